"""Tables that are kept by day: which days they have, one more, one less; for the worker role alone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Final, Literal
from uuid import UUID

from kit.db import Session
from sqlalchemy import text

KeptByDay = Literal["events", "inbox"]

SHARED = "partitions belong to nobody: they hold a day of everybody's"

DAY: Final = "%Y%m%d"
PORTION: Final = 5_000
LIST = text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = CAST(:name AS regclass) ORDER BY c.relname"
)
MAKE = text("SELECT make_day(:name, :day)")
DROP = text("SELECT drop_day(:name, :day)")
UNSENT = text("SELECT EXISTS (SELECT FROM events WHERE id >= :first AND id < :end AND published_at IS NULL)")
# What lies in no day of its own: rows from before there were days, and those whose id tells another time.
DELETE: Final = {
    "events": text(
        "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id < :end AND published_at < :before LIMIT :most)"
    ),
    "inbox": text(
        "DELETE FROM inbox WHERE (consumer, message_id) IN"
        " (SELECT consumer, message_id FROM inbox WHERE message_id < :end AND received_at < :before LIMIT :most)"
    ),
}


def first_id(day: date) -> UUID:
    """Return the least id that a day (UTC) can have: ids begin with their milliseconds since 1970."""
    began = datetime.combine(day, time(), UTC)
    return UUID(int=int(began.timestamp()) * 1_000 << 80)


async def list_days(session: Session, name: KeptByDay) -> Sequence[date]:
    """List the days that have a partition of their own, the oldest first."""
    rows = (await session.scalars(LIST, {"name": name})).all()
    days = [row.removeprefix(f"{name}_") for row in rows]
    return [datetime.strptime(day, DAY).replace(tzinfo=UTC).date() for day in days if day.isdigit()]


async def save_day(session: Session, name: KeptByDay, day: date) -> bool:
    """Make room for a day; False when it has some."""
    return bool(await session.scalar(MAKE, {"name": name, "day": day}))


async def find_unsent(session: Session, first: date, end: date) -> bool:
    """Tell whether a fact of these days, the last one not counted, still waits to be published."""
    return bool(await session.scalar(UNSENT, {"first": first_id(first), "end": first_id(end)}))


async def delete_day(session: Session, name: KeptByDay, day: date) -> None:
    """Drop a day with all that is in it; the database refuses one that is younger than two days."""
    await session.execute(DROP, {"name": name, "day": day})


async def delete_others(session: Session, name: KeptByDay, before: date) -> int:
    """Delete a portion of what is older than a day and lies in none of its own; return how many rows."""
    given = {"end": first_id(before), "before": datetime.combine(before, time(), UTC), "most": PORTION}
    return (await session.execute(DELETE[name], given)).rowcount
