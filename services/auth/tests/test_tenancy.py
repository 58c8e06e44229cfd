"""The database keeps people apart, and keeps the app role from hashes and roles."""

import pytest
from auth.domain.user import Profile, User, UserId
from auth.usecases.register_user import register_user
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

HASH = "$argon2id$not a real one"


async def a_user(database: Database, email: str) -> UserId:
    user = User(UserId(new_id()), email, "user", Profile("somebody", "ko", "Asia/Seoul"), now())
    async with database.owned(user.id) as session:
        await register_user(session, user, HASH)
    async with database.system() as session:
        await session.execute(
            text(
                "INSERT INTO sessions (id, owner_id, begun_at, expires_at, authenticated_at, seen_at)"
                " VALUES (:id, :id, now(), 'infinity', now(), now())"
            ),
            {"id": user.id},
        )
        await session.execute(
            text(
                "INSERT INTO refresh_tokens (digest, session_id, owner_id, issued_at, expires_at)"
                " VALUES (sha256(:email), :id, :id, now(), 'infinity')"
            ),
            {"id": user.id, "email": email.encode()},
        )
    return user.id


FORBIDDEN = [
    "SELECT password_hash FROM users",
    "SELECT * FROM users",
    "UPDATE users SET role = 'admin'",
    "UPDATE users SET password_hash = '$argon2id$x'",
    "UPDATE users SET owner_id = gen_random_uuid()",
    "DELETE FROM users",
    "INSERT INTO users (id, role) VALUES (gen_random_uuid(), 'admin')",
    "SELECT digest FROM refresh_tokens",
    "SELECT salt FROM refresh_tokens",
    "DELETE FROM sessions",
    "SELECT * FROM login_failures",
    "SELECT sealed FROM second_factors",
    "UPDATE second_factors SET activated_at = NULL",
    "DELETE FROM second_factors",
    "SELECT digest FROM recovery_codes",
    "SELECT digest FROM mail_tokens",
    "SELECT kind FROM mails",
    "INSERT INTO mails (id) VALUES (gen_random_uuid())",
    "UPDATE users SET email_verified_at = now()",
    "UPDATE users SET pending = false",
    "UPDATE sessions SET authenticated_at = now()",
    "SELECT public_key FROM passkeys",
    "INSERT INTO passkeys (id) VALUES (gen_random_uuid())",
    "SELECT subject FROM identities",
    "INSERT INTO identities (id) VALUES (gen_random_uuid())",
    "SELECT * FROM challenges",
    "SELECT * FROM oauth_flows",
    "SELECT * FROM oauth_tickets",
    "SELECT * FROM events",
    "TRUNCATE users",
]


@pytest.mark.requirement("R-36", "R-37")
async def test_each_sees_own_rows_only(database: Database) -> None:
    ours, _theirs = await a_user(database, "us@example.com"), await a_user(database, "them@example.com")
    for table in ("users", "sessions", "refresh_tokens"):
        async with database.owned(ours) as session:
            assert (await session.scalars(text(f"SELECT owner_id FROM {table}"))).all() == [ours]
        with pytest.raises(DBAPIError, match=r"app\.owner_id|uuid"):
            async with database.public() as session:
                await session.execute(text(f"SELECT owner_id FROM {table}"))


@pytest.mark.requirement("R-36", "R-48")
async def test_the_app_role_reads_no_hash_and_writes_no_role(database: Database) -> None:
    ours = await a_user(database, "us@example.com")
    for forbidden in FORBIDDEN:
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.owned(ours) as session:
                await session.execute(text(forbidden))


@pytest.mark.requirement("R-36")
async def test_every_table_that_names_an_owner_forces_row_level_security(database: Database) -> None:
    async with database.system() as session:
        open_tables = await session.scalars(
            text(
                "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
                " WHERE attname = 'owner_id' AND relkind IN ('r', 'p')"
                " AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
        )
        assert open_tables.all() == []


@pytest.mark.requirement("R-48")
async def test_no_role_but_ours_can_be_stored(database: Database) -> None:
    ours = await a_user(database, "us@example.com")
    with pytest.raises(DBAPIError, match="users_role_check"):
        async with database.system() as session:
            await session.execute(text("UPDATE users SET role = 'root' WHERE id = :id"), {"id": ours})
