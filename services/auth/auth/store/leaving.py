"""What crosses owners about exports and erasures: parts that are due, people who are gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit.db import Session as Transaction
from kit.events import events
from sqlalchemy import Update, delete, insert, select, update

from auth.domain.export import CLAIMED_FOR, SERVICES, Erasure, ErasureId, ExportId, pause_after
from auth.domain.user import UserId
from auth.store.tables import erasure_parts, erasures, export_parts, exports, users

SHARED = "worker role only: parts of everybody's exports, and bare ids of people who have no rows any more"
LISTED_MAX = 200
ERASURES_KEPT = timedelta(days=2_405)
"""A month longer than trading and broker keep books: until then it says why somebody's books have no name."""


@dataclass(frozen=True, slots=True)
class DuePart:
    """A service to ask for somebody's belongings."""

    owner: UserId
    export_id: ExportId
    service: str
    tries: int


async def lock_due_part(session: Transaction, now: datetime) -> DuePart | None:
    """Take the part that has been due for longest, for two minutes; None when there is none, or others have them."""
    due = (
        select(export_parts.c.owner_id, export_parts.c.export_id, export_parts.c.service)
        .join(exports, (exports.c.owner_id == export_parts.c.owner_id) & (exports.c.id == export_parts.c.export_id))
        .where(export_parts.c.done_at.is_(None), export_parts.c.due_at <= now, exports.c.expires_at > now)
        .order_by(export_parts.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=export_parts)
    )
    row = (await session.execute(due)).one_or_none()
    if row is None:
        return None
    claim = _of(row.owner_id, row.export_id, row.service).values(
        due_at=now + CLAIMED_FOR, tries=export_parts.c.tries + 1
    )
    tries = await session.scalar(claim.returning(export_parts.c.tries))
    return DuePart(UserId(row.owner_id), ExportId(row.export_id), row.service, int(tries or 0))


async def save_part(session: Transaction, part: DuePart, body: bytes, now: datetime) -> None:
    """Keep what a service answered; of two answers the later counts."""
    done = _of(part.owner, part.export_id, part.service).values(body=body, done_at=now, failure=None)
    await session.execute(done)


async def save_failure(session: Transaction, part: DuePart, failure: str, now: datetime) -> None:
    """Remember why a service gave nothing, and when to ask it again."""
    statement = _of(part.owner, part.export_id, part.service).where(export_parts.c.done_at.is_(None))
    await session.execute(statement.values(failure=failure, due_at=now + pause_after(part.tries)))


def _of(owner: UUID, export_id: UUID, service: str) -> Update:
    return update(export_parts).where(
        export_parts.c.owner_id == owner, export_parts.c.export_id == export_id, export_parts.c.service == service
    )


async def delete_expired_exports(session: Transaction, now: datetime) -> None:
    """Forget archives that can no longer be fetched."""
    await session.execute(delete(exports).where(exports.c.expires_at <= now))


async def delete_user(session: Transaction, user_id: UserId) -> None:
    """Delete an account with everything that hangs on it."""
    await session.execute(delete(users).where(users.c.id == user_id))


async def delete_facts_of_erased(session: Transaction) -> None:
    """Take the facts of people who are gone from the history, as soon as they are published."""
    gone = select(erasures.c.user_id)
    await session.execute(delete(events).where(events.c.owner_id.in_(gone), events.c.published_at.is_not(None)))


async def delete_old_erasures(session: Transaction, now: datetime) -> None:
    """Forget by whom and when it was asked, once no service keeps anything of them any more."""
    await session.execute(delete(erasures).where(erasures.c.asked_at <= now - ERASURES_KEPT))


async def save_erasure(session: Transaction, erasure: Erasure) -> None:
    """Remember by a bare id who is to be forgotten, and that no service has said yet that it did so."""
    values = {"id": erasure.id, "user_id": erasure.user_id, "asked_at": erasure.asked_at}
    await session.execute(insert(erasures).values(**values))
    rows = [{"erasure_id": erasure.id, "service": service, "done_at": erasure.done[service]} for service in SERVICES]
    await session.execute(insert(erasure_parts), rows)


async def save_erased(session: Transaction, user_id: UUID, service: str, now: datetime) -> None:
    """Remember that a service has forgotten somebody; the first time counts."""
    erasure = select(erasures.c.id).where(erasures.c.user_id == user_id).scalar_subquery()
    mine = (erasure_parts.c.erasure_id == erasure, erasure_parts.c.service == service)
    await session.execute(update(erasure_parts).where(*mine, erasure_parts.c.done_at.is_(None)).values(done_at=now))


async def list_erasures(session: Transaction) -> list[Erasure]:
    """List the newest erasures, with when each service had done its part."""
    newest = select(erasures).order_by(erasures.c.asked_at.desc()).limit(LISTED_MAX)
    rows = (await session.execute(newest)).all()
    said = select(erasure_parts).where(erasure_parts.c.erasure_id.in_([row.id for row in rows]))
    done: dict[UUID, dict[str, datetime | None]] = {}
    for part in await session.execute(said.order_by(erasure_parts.c.service)):
        done.setdefault(part.erasure_id, {})[part.service] = part.done_at
    return [Erasure(ErasureId(row.id), row.user_id, row.asked_at, done.get(row.id, {})) for row in rows]
