"""Refresh tokens on the real database: races, grace, reuse."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from auth.domain.session import GRACE, Lifetimes, Session, SessionId, digest_of, encode, issue
from auth.domain.user import Profile, User, UserId
from auth.store import sessions
from auth.usecases.end_sessions import end_sessions
from auth.usecases.refresh_session import refresh_session
from auth.usecases.register_user import register_user
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
LIFETIMES = Lifetimes(refresh=timedelta(days=7), session=timedelta(days=30))
TOKEN = encode(b"t" * 32)


@pytest.fixture
async def session_id(database: Database) -> SessionId:
    user = User(UserId(new_id()), "haneul@example.com", "user", Profile("김하늘", "ko", "Asia/Seoul"), NOW)
    begun = Session(SessionId(new_id()), user.id, NOW, NOW + LIFETIMES.session, None, NOW)
    async with database.system() as session:
        await register_user(session, user, "$argon2id$not a real one")
        await sessions.save(session, user.id, begun)
        await sessions.save_token(session, user.id, issue(TOKEN, begun, LIFETIMES, NOW))
    return begun.id


async def refresh(database: Database, token: str, moment: datetime) -> str | None:
    async with database.system() as session:
        refreshed = await refresh_session(session, token, secrets.token_bytes(32), LIFETIMES, moment)
    return refreshed.refresh_token if refreshed else None


async def count(database: Database, statement: str) -> int:
    async with database.system() as session:
        return int(await session.scalar(text(statement)) or 0)


@pytest.mark.requirement("R-44")
async def test_twenty_at_once_get_one_successor(database: Database, session_id: SessionId) -> None:
    answers = await asyncio.gather(*(refresh(database, TOKEN, NOW) for _ in range(20)))
    assert len(set(answers)) == 1
    assert answers[0] not in (None, TOKEN)
    assert await count(database, "SELECT count(*) FROM refresh_tokens") == 2


@pytest.mark.requirement("R-44")
async def test_a_lost_reply_is_given_again_within_the_grace_window(database: Database, session_id: SessionId) -> None:
    first = await refresh(database, TOKEN, NOW)
    assert await refresh(database, TOKEN, NOW + GRACE) == first
    assert first is not None
    second = await refresh(database, first, NOW + GRACE)
    assert second not in (None, first), "and the successor goes on as if nothing had happened"


@pytest.mark.requirement("R-44")
async def test_a_spent_token_that_returns_late_ends_the_family_for_thief_and_owner(
    database: Database, session_id: SessionId
) -> None:
    successor = await refresh(database, TOKEN, NOW)
    late = NOW + GRACE + timedelta(seconds=1)
    assert await refresh(database, TOKEN, late) is None
    assert successor is not None
    assert await refresh(database, successor, late) is None
    assert await refresh(database, TOKEN, late) is None
    ended = "SELECT count(*) FROM sessions WHERE ended_because = 'reuse'"
    assert await count(database, ended) == 1
    announced = "SELECT count(*) FROM events WHERE type = 'auth.session.revoked.v1'"
    assert await count(database, announced) == 1


@pytest.mark.requirement("R-44")
async def test_a_refresh_that_races_a_log_out_never_leaves_a_living_token(
    database: Database, session_id: SessionId
) -> None:
    async def log_out() -> None:
        async with database.system() as session:
            owner = UserId(await session.scalar(text("SELECT owner_id FROM sessions")))
            await end_sessions(session, owner, "logout", NOW, session_id)

    answers = await asyncio.gather(refresh(database, TOKEN, NOW), log_out(), refresh(database, TOKEN, NOW))
    for token in {TOKEN, *filter(None, answers)}:
        assert await refresh(database, token, NOW) is None


@pytest.mark.requirement("R-44")
async def test_time_runs_out_for_tokens_that_wait_and_for_sessions_that_are_busy(
    database: Database, session_id: SessionId
) -> None:
    assert await refresh(database, TOKEN, NOW + LIFETIMES.refresh) is None
    token: str | None = TOKEN
    for days in range(6, 30, 6):
        assert token is not None
        token = await refresh(database, token, NOW + timedelta(days=days))
    assert token is not None
    assert await refresh(database, token, NOW + LIFETIMES.session) is None


@pytest.mark.requirement("R-44")
async def test_no_token_can_be_read_from_the_database(database: Database, session_id: SessionId) -> None:
    successor = await refresh(database, TOKEN, NOW)
    assert successor is not None
    async with database.system() as session:
        rows = (await session.execute(text("SELECT * FROM refresh_tokens"))).all()
    assert {row.digest for row in rows} == {digest_of(TOKEN), digest_of(successor)}
    assert not any(token.encode() in bytes(row.salt or b"") for row in rows for token in (TOKEN, successor))
