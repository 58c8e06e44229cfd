"""Refresh tokens: what each is worth, at every moment of its life."""

from datetime import UTC, datetime, timedelta

import pytest
from auth.domain.session import (
    GRACE,
    Lifetimes,
    RefreshToken,
    Session,
    SessionId,
    Verdict,
    digest_of,
    encode,
    issue,
    judge,
    successor_of,
)
from auth.domain.user import UserId
from kit.ids import new_id

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def a_session(*, expires_at: datetime = NOW + DAY, ended_at: datetime | None = None) -> Session:
    return Session(SessionId(new_id()), UserId(new_id()), NOW - DAY, expires_at, ended_at, NOW - DAY)


def a_token(*, expires_at: datetime = NOW + DAY, spent_at: datetime | None = None) -> RefreshToken:
    salt = b"s" * 32 if spent_at else None
    return RefreshToken(b"d" * 32, SessionId(new_id()), UserId(new_id()), NOW - DAY, expires_at, spent_at, salt)


CASES = [
    (a_token(), a_session(), Verdict.ROTATE),
    (a_token(expires_at=NOW), a_session(), Verdict.REFUSE),
    (a_token(), a_session(expires_at=NOW), Verdict.REFUSE),
    (a_token(), a_session(ended_at=NOW), Verdict.REFUSE),
    (a_token(spent_at=NOW), a_session(), Verdict.REPEAT),
    (a_token(spent_at=NOW - GRACE), a_session(), Verdict.REPEAT),
    (a_token(spent_at=NOW - GRACE, expires_at=NOW - GRACE), a_session(), Verdict.REPEAT),
    (a_token(spent_at=NOW - GRACE - timedelta(microseconds=1)), a_session(), Verdict.REUSE),
    (a_token(spent_at=NOW - DAY), a_session(ended_at=NOW), Verdict.REFUSE),
    (a_token(spent_at=NOW), a_session(ended_at=NOW), Verdict.REFUSE),
]


@pytest.mark.requirement("R-44")
@pytest.mark.parametrize(("token", "session", "verdict"), CASES)
def test_a_presented_token_is_judged_by_its_age_and_its_session(
    token: RefreshToken, session: Session, verdict: Verdict
) -> None:
    assert judge(token, session, NOW) is verdict


@pytest.mark.requirement("R-44")
def test_a_successor_can_be_made_again_only_from_the_token_and_the_salt_together() -> None:
    token = encode(b"t" * 32)
    assert successor_of(token, b"s" * 32) == successor_of(token, b"s" * 32)
    assert successor_of(token, b"s" * 32) != successor_of(token, b"S" * 32)
    assert successor_of(token, b"s" * 32) != successor_of(encode(b"T" * 32), b"s" * 32)
    assert len(successor_of(token, b"s" * 32)) == len(token) == 43


def test_a_token_never_outlives_its_session() -> None:
    session = a_session(expires_at=NOW + DAY)
    token = issue("text", session, Lifetimes(refresh=7 * DAY, session=30 * DAY), NOW)
    assert token.expires_at == session.expires_at
    assert token.digest == digest_of("text")
    assert b"text" not in token.digest
