"""Answers given under an `Idempotency-Key`: written once, in the transaction they speak of, and never edited."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session
from sqlalchemy import text

LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
FIND = text(
    "SELECT fingerprint, status, media_type, body FROM idempotency_keys"
    " WHERE owner_id = :owner AND route = :route AND key = :key"
)
SAVE = text(
    "INSERT INTO idempotency_keys (owner_id, route, key, fingerprint, status, media_type, body, created_at)"
    " VALUES (:owner, :route, :key, :fingerprint, :status, :media_type, :body, :created_at)"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and the digest of what was asked."""

    fingerprint: bytes
    status: int
    media_type: str | None
    body: bytes


async def lock(session: Session, owner: UUID, route: str, key: str) -> bool:
    """Hold a key until the transaction ends; False, without waiting, while another one holds it."""
    return bool(await session.scalar(LOCK, {"name": f"idempotency {owner} {route} {key}"}))


async def find(session: Session, owner: UUID, route: str, key: str) -> Answer | None:
    """Return what was answered under a key before."""
    row = (await session.execute(FIND, {"owner": owner, "route": route, "key": key})).first()
    return None if row is None else Answer(row.fingerprint, row.status, row.media_type, row.body)


async def save(session: Session, owner: UUID, route: str, key: str, answer: Answer, now: datetime) -> None:
    """Write down an answer."""
    given = {"status": answer.status, "media_type": answer.media_type, "body": answer.body, "created_at": now}
    asked = {"owner": owner, "route": route, "key": key, "fingerprint": answer.fingerprint}
    await session.execute(SAVE, asked | given)
