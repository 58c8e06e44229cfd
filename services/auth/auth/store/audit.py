"""The audit log: appended to in the transaction of what it tells of, and never changed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from kit import context
from kit.db import Session as Transaction
from kit.db import before_commit, notes
from sqlalchemy import Row, func, insert, select

from auth.domain.audit import ACTIONS, BEGINNING, AuditEntry, Sealed, seal
from auth.store.tables import audit_log

SHARED = "one log for the whole installation: its chain crosses everybody's entries"
CHAIN_LOCK = 6_301_114
CUT_LOCK = 6_301_115
"""Held by whoever cuts, and shared by whoever reads the log from its first entry."""
PORTION = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to list, newest first."""

    before: int | None
    limit: int
    actor: str | None = None
    action: str | None = None
    subject: str | None = None


async def record(session: Transaction, now: datetime, *entries: AuditEntry) -> None:
    """Append entries when this transaction commits: then, so that nobody waits longer than needed for the chain."""
    assert ACTIONS.issuperset(entry.action for entry in entries), "docs/audit.md has a line for every entry"
    waiting: list[tuple[datetime, AuditEntry]] = notes(session).setdefault("audit", [])
    waiting.extend((now, entry) for entry in entries)

    async def append() -> None:
        await _append(session, waiting)

    before_commit(session, "audit", append)


async def _append(session: Transaction, waiting: list[tuple[datetime, AuditEntry]]) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(CHAIN_LOCK)))
    head = await find_head(session)
    position, previous = head or (0, BEGINNING)
    # what another service did carries the id of the request that caused it there
    origin = (context.address.get(), context.request.get() or str(context.correlation.get() or ""))
    rows = []
    for occurred_at, entry in waiting:
        position += 1
        sealed = seal(previous, position, occurred_at, entry, origin)
        previous = sealed.hash
        rows.append(_row(sealed))
    await session.execute(insert(audit_log), rows)
    waiting.clear()


def _row(sealed: Sealed) -> dict[str, object]:
    entry = sealed.entry
    return {
        "position": sealed.position,
        "occurred_at": sealed.occurred_at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "old": dict(entry.old),
        "new": dict(entry.new),
        "address": sealed.address,
        "request_id": sealed.request_id,
        "hash": sealed.hash,
    }


async def find_head(session: Transaction) -> tuple[int, bytes] | None:
    """Return position and hash of the last entry."""
    statement = select(audit_log.c.position, audit_log.c.hash).order_by(audit_log.c.position.desc()).limit(1)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row.position, row.hash)


async def list_entries(session: Transaction, wanted: Wanted) -> list[Sealed]:
    """List entries, newest first."""
    statement = select(audit_log).order_by(audit_log.c.position.desc()).limit(wanted.limit)
    if wanted.before is not None:
        statement = statement.where(audit_log.c.position < wanted.before)
    for column, value in ((audit_log.c.actor, wanted.actor), (audit_log.c.action, wanted.action)):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.subject is not None:
        statement = statement.where(audit_log.c.subject == wanted.subject)
    return [_sealed(row) for row in await session.execute(statement)]


async def find_first(session: Transaction) -> int | None:
    """Return the position of the first entry that is left, and keep it there until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock_shared(CUT_LOCK)))
    return await _first(session)


async def lock_first(session: Transaction) -> int | None:
    """Return the position of the first entry, and let nobody else cut or read from there meanwhile."""
    await session.execute(select(func.pg_advisory_xact_lock(CUT_LOCK)))
    return await _first(session)


async def _first(session: Transaction) -> int | None:
    found: int | None = await session.scalar(select(func.min(audit_log.c.position)))
    return found


async def list_from(session: Transaction, first: int, last: int | None = None) -> AsyncIterator[Sealed]:
    """List entries in their order, a portion at a time."""
    after = first - 1
    while True:
        statement = select(audit_log).where(audit_log.c.position > after).order_by(audit_log.c.position).limit(PORTION)
        if last is not None:
            statement = statement.where(audit_log.c.position <= last)
        rows = (await session.execute(statement)).all()
        for row in rows:
            yield _sealed(row)
        if len(rows) < PORTION:
            return
        after = rows[-1].position


async def delete_up_to(session: Transaction, position: int) -> int:
    """Cut off the entries up to here, by the one function that may; the database refuses when one is too young."""
    return int(await session.scalar(select(func.cut_audit_log(position))) or 0)


def _sealed(row: Row[tuple[object, ...]]) -> Sealed:
    entry = AuditEntry(row.actor, row.action, row.subject, row.old, row.new)
    return Sealed(row.position, row.occurred_at, entry, row.address, row.request_id, row.hash)
