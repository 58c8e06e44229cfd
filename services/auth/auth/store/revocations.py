"""What ended before its time, for as long as a token of it could still be alive."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from kit.auth import Revoked
from kit.db import Session as Transaction
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from auth.store.tables import revocations

SHARED = "every service must know every entry"
KEPT = timedelta(seconds=3600 + 60)
"""No token lives longer (`token_ttl_seconds`), clocks that differ included."""
LISTED_MAX = 200_000


async def save_ended(session: Transaction, ended: Sequence[UUID], now: datetime) -> None:
    """Make every token of these sessions, or API keys, worthless."""
    if ended:
        rows = [{"subject": each, "version": None, "revoked_at": now} for each in ended]
        await session.execute(insert(revocations).on_conflict_do_nothing(), rows)


async def save_version(session: Transaction, user_id: UUID, version: int, now: datetime) -> None:
    """Make this person's tokens of every earlier version worthless."""
    statement = insert(revocations).values(subject=user_id, version=version, revoked_at=now)
    changed = {"version": version, "revoked_at": now}
    await session.execute(statement.on_conflict_do_update(index_elements=[revocations.c.subject], set_=changed))


async def find_tag(session: Transaction) -> str:
    """Return a text that differs whenever the list does."""
    columns = (func.count(), func.max(revocations.c.revoked_at), func.sum(revocations.c.version))
    count, newest, versions = (await session.execute(select(*columns))).one()
    return f'"{count}.{newest.timestamp() if newest else 0}.{versions or 0}"'


async def list_living(session: Transaction, now: datetime) -> Revoked:
    """List what could still be presented; of an absurd number the newest."""
    statement = select(revocations).where(revocations.c.revoked_at > now - KEPT)
    rows = (await session.execute(statement.order_by(revocations.c.revoked_at.desc()).limit(LISTED_MAX))).all()
    return Revoked(
        frozenset(str(row.subject) for row in rows if row.version is None),
        {str(row.subject): row.version for row in rows if row.version is not None},
    )


async def delete_dead(session: Transaction, now: datetime) -> None:
    """Forget what no token can refer to any more."""
    await session.execute(delete(revocations).where(revocations.c.revoked_at <= now - KEPT))
