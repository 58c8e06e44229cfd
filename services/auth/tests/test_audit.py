"""The audit log: written with what it tells of, and no tampering with it stays hidden."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from auth.anchors import anchor_once, read_anchors
from auth.domain.audit import BEGINNING, Anchor, AuditEntry, Sealed, first_flaw, seal
from auth.store import audit
from auth.usecases.verify_audit import verify_audit
from kit.clock import now
from kit.db import Database
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.auth.tests.people import Person

LENGTH = 20
SEEDS = range(10)


def a_log(length: int = LENGTH, word: str = "changed") -> list[Sealed]:
    log, previous, moment = [], BEGINNING, now()
    for position in range(1, length + 1):
        entry = AuditEntry(f"user-{position}", word, "somebody", {"limit": "1"}, {"limit": str(position)})
        log.append(seal(previous, position, moment + timedelta(seconds=position), entry, ("192.0.2.1", "r-1")))
        previous = log[-1].hash
    return log


def edit(log: list[Sealed], at: int) -> list[Sealed]:
    entry = replace(log[at].entry, new={"limit": "999"})
    return [*log[:at], replace(log[at], entry=entry), *log[at + 1 :]]


def edit_the_time(log: list[Sealed], at: int) -> list[Sealed]:
    return [*log[:at], replace(log[at], occurred_at=log[at].occurred_at + timedelta(microseconds=1)), *log[at + 1 :]]


def insert(log: list[Sealed], at: int) -> list[Sealed]:
    return renumbered([*log[:at], log[at], *log[at:]])


def delete(log: list[Sealed], at: int) -> list[Sealed]:
    return renumbered([*log[:at], *log[at + 1 :]])


def delete_and_leave_the_gap(log: list[Sealed], at: int) -> list[Sealed]:
    return [*log[:at], *log[at + 1 :]]


def swap(log: list[Sealed], at: int) -> list[Sealed]:
    other = (at + 1) % len(log)
    changed = list(log)
    changed[at], changed[other] = changed[other], changed[at]
    return renumbered(changed)


def truncate(log: list[Sealed], at: int) -> list[Sealed]:
    return log[:at]


def write_anew(log: list[Sealed], at: int) -> list[Sealed]:
    """The whole chain from here on, computed again as somebody would who owns the database."""
    previous, changed = (log[at - 1].hash if at else BEGINNING), list(log[:at])
    for old in log[at:]:
        entry = replace(old.entry, actor="somebody else")
        changed.append(seal(previous, old.position, old.occurred_at, entry, (old.address, old.request_id)))
        previous = changed[-1].hash
    return changed


def renumbered(log: list[Sealed]) -> list[Sealed]:
    return [replace(sealed, position=position) for position, sealed in enumerate(log, 1)]


TAMPERINGS = (edit, edit_the_time, insert, delete, delete_and_leave_the_gap, swap, truncate, write_anew)


@pytest.mark.requirement("R-57")
@pytest.mark.parametrize("tamper", TAMPERINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_tampering_is_found(tamper: Callable[[list[Sealed], int], list[Sealed]], seed: int) -> None:
    log = a_log()
    anchors = [Anchor(LENGTH // 2, log[LENGTH // 2 - 1].hash), Anchor(LENGTH, log[-1].hash)]
    assert first_flaw(log, anchors) is None
    assert first_flaw(tamper(log, random.Random(seed).randrange(LENGTH)), anchors) is not None


@pytest.mark.requirement("R-57")
def test_nothing_that_is_written_can_forge_a_line_or_steer_a_terminal() -> None:
    entry = AuditEntry("me\r\nroot", "x\x1b[2J", "\u202eevil", {"a\n": "\x00"}, {"b": "y" * 1000})
    sealed = seal(BEGINNING, 1, now(), entry, ("10.0.0.1\n", "r"))
    shown = str(sealed)
    assert not any(character in shown for character in "\r\n\x1b\x00\u202e")
    assert len(sealed.entry.new["b"]) == 500
    assert first_flaw([sealed], []) is None


@pytest.mark.requirement("R-57")
async def test_an_entry_stands_or_falls_with_what_it_tells_of(database: Database) -> None:
    async def undone() -> None:
        async with database.system() as session:
            await audit.record(session, now(), AuditEntry("a", "undone", "b"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    async with database.system() as session:
        await audit.record(session, now(), AuditEntry("a", "done", "b"), AuditEntry("a", "done again", "b"))
    async with database.system() as session:
        assert await verify_audit(session, []) == (2, None)


@pytest.mark.requirement("R-57")
async def test_who_owns_the_database_cannot_hide_an_edit_and_no_role_can_make_one(
    haneul: Person, database: Database, tmp_path: Path
) -> None:
    anchors = tmp_path / "audit" / "anchors"
    last = await anchor_once(database, anchors, f"tee {tmp_path / 'elsewhere'}", (now(), 0))
    assert await anchor_once(database, anchors, None, (now(), last)) == last, "an old head is not written again"
    await haneul.logs_in()
    assert await anchor_once(database, anchors, None, (now(), last)) == last + 1
    assert [anchor.position for anchor in read_anchors(anchors)] == [last, last + 1]
    assert (tmp_path / "elsewhere").read_text() == anchors.read_text().splitlines(keepends=True)[0]
    async with database.system() as session:
        assert await verify_audit(session, read_anchors(anchors)) == (last + 1, None)
    for forbidden in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        for opened in (database.system(), database.public()):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with opened as session:
                    await session.execute(text(forbidden))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.public() as session:
            await session.execute(text("SELECT actor FROM audit_log"))


@pytest.mark.requirement("R-57")
async def test_tampering_in_the_database_itself_is_found(
    haneul: Person, database: Database, fresh: object, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors"
    await anchor_once(database, anchors, None, (now(), 0))
    owner = Database(fresh.owner_url, fresh.owner_url, pool_size=1)  # type: ignore[attr-defined]
    try:
        async with owner.system() as session:
            await session.execute(text("UPDATE audit_log SET subject = 'nobody' WHERE position = 2"))
            count, flaw = await verify_audit(session, read_anchors(anchors))
            assert (count, flaw) == (2, "entry 2 is not what was written")
            await session.execute(text("DELETE FROM audit_log WHERE position = 2"))
            _, flaw = await verify_audit(session, read_anchors(anchors))
            assert flaw == "the log ends at entry 1, but entry 2 was written down outside the database"
    finally:
        await owner.close()
