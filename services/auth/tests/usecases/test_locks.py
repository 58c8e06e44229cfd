"""Who waits for whom: nobody in a circle, and nobody who only refers to an account that is locked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from auth.ceremonies import RelyingParty, relying_party_of
from auth.domain.guessing import Place
from auth.domain.passkey import Passkey, PasskeyId
from auth.domain.session import NOWHERE, Lifetimes, Session, SessionId
from auth.domain.user import Profile, User, UserId
from auth.errors import LastAdmin, PasskeyRefused
from auth.store import passkeys, sessions, system
from auth.usecases.begin_session import Fresh
from auth.usecases.change_rights import change_rights
from auth.usecases.log_in_by_passkey import log_in_by_passkey
from auth.usecases.register_user import register_user
from auth.usecases.remove_passkey import remove_passkey
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text

from services.auth.tests.authenticator import Authenticator

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
LIFETIMES = Lifetimes(refresh=timedelta(days=7), session=timedelta(days=30))
WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
SOON_SECONDS = 30
PARTY = relying_party_of("https://localhost:8443")


@pytest.fixture
async def owner(database: Database) -> UserId:
    user = User(UserId(new_id()), "haneul@example.com", "user", Profile("김하늘", "ko", "Asia/Seoul"), NOW)
    async with database.system() as session:
        await register_user(session, user, "$argon2id$not a real one")
    return user.id


async def an_admin(database: Database, email: str) -> UserId:
    user = User(UserId(new_id()), email, "user", Profile("운영자", "ko", "Asia/Seoul"), NOW)
    async with database.system() as session:
        await register_user(session, user, "$argon2id$not a real one")
        await change_rights(session, "operator", user.id, lambda each: replace(each, role="admin"), NOW)
    return user.id


@asynccontextmanager
async def locked(database: Database, owner: UserId) -> AsyncIterator[Any]:
    """A transaction that holds the account."""
    async with database.system() as session:
        assert await system.lock_credentials(session, owner) is not None
        yield session


async def until_somebody_waits(database: Database) -> None:
    async with asyncio.timeout(SOON_SECONDS):
        while True:
            async with database.system() as session:
                if await session.scalar(WAITS):
                    return
            await asyncio.sleep(0.01)


async def with_passkey(database: Database, party: RelyingParty, owner: UserId) -> tuple[Authenticator, PasskeyId]:
    device, passkey_id = Authenticator(party.origin), PasskeyId(new_id())
    async with database.system() as session:
        user = await system.find_user_by_id(session, owner)
        assert user is not None
        key = party.created(device.creates(party.creation_options(user, b"r" * 32, [])), b"r" * 32)
        assert key is not None
        await passkeys.save(session, Passkey(passkey_id, owner, key), "a key", NOW)
    return device, passkey_id


async def test_a_session_begins_while_the_account_is_locked(database: Database, owner: UserId) -> None:
    begun = Session(SessionId(new_id()), owner, NOW, NOW + LIFETIMES.session, None, NOW)
    async with locked(database, owner), asyncio.timeout(SOON_SECONDS), database.system() as session:
        await sessions.save(session, owner, begun)


@pytest.mark.requirement("R-45")
async def test_a_log_in_by_a_passkey_that_is_being_removed_waits_and_is_refused(
    database: Database, owner: UserId
) -> None:
    device, passkey_id = await with_passkey(database, PARTY, owner)
    challenge = b"l" * 32
    async with database.system() as session:
        await passkeys.save_challenge(session, challenge, "log_in", None, NOW)
    credential = device.signs(PARTY.request_options(challenge, []))
    fresh = Fresh(SessionId(new_id()), "token", LIFETIMES, NOWHERE, NOW)
    async with locked(database, owner) as session:
        logging_in = asyncio.create_task(log_in_by_passkey(database, PARTY, credential, Place("::1"), fresh))
        await until_somebody_waits(database)
        await asyncio.wait_for(remove_passkey(session, owner, passkey_id, NOW), SOON_SECONDS)
    with pytest.raises(PasskeyRefused):
        await logging_in


async def test_of_two_admins_who_unseat_one_another_at_once_one_stays(database: Database) -> None:
    async with database.system() as session:
        await session.execute(text("UPDATE users SET role = 'user'"))  # of other tests
    first, second = [await an_admin(database, f"admin{number}@example.com") for number in (1, 2)]

    async def unseat(admin: UserId) -> None:
        async with database.system() as session:
            await change_rights(session, "operator", admin, lambda user: replace(user, role="user"), NOW)

    async with database.system() as session:
        await change_rights(session, "operator", first, lambda user: replace(user, role="user"), NOW)
        unseating = asyncio.create_task(unseat(second))
        await until_somebody_waits(database)
    with pytest.raises(LastAdmin):
        await unseating
