"""The audit log: written with what it tells of, and no tampering with it stays hidden."""

import json
import random
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from auth.anchors import anchor_once, heads_to_cut, read_anchors
from auth.domain.audit import BEGINNING, KEPT_FOR, Anchor, AuditEntry, Flawed, Proof, Sealed, seal
from auth.store import audit
from auth.usecases.cut_audit import cut_audit
from auth.usecases.verify_audit import verify_audit
from auth.worker import cut_audit_once
from kit.clock import now
from kit.db import Database
from kit.testing.databases import TestDatabase
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.auth.tests.people import Person

LENGTH = 20
OLD = KEPT_FOR + timedelta(days=30)
SHORT, LONG = 3_000, 12_000
SEEDS = range(10)


def first_flaw(log: Iterable[Sealed], anchors: Iterable[Anchor]) -> str | None:
    proof = Proof(anchors, now())
    try:
        for sealed in log:
            proof.read(sealed)
        proof.end()
    except Flawed as flaw:
        return str(flaw)
    return None


def a_log(length: int = LENGTH, word: str = "changed", age: timedelta = timedelta()) -> list[Sealed]:
    log, previous, moment = [], BEGINNING, now() - age
    for position in range(1, length + 1):
        entry = AuditEntry(f"user-{position}", word, "somebody", {"limit": "1"}, {"limit": str(position)})
        log.append(seal(previous, position, moment + timedelta(seconds=position), entry, ("192.0.2.1", "r-1")))
        previous = log[-1].hash
    return log


def as_row(sealed: Sealed) -> tuple[object, ...]:
    entry = sealed.entry
    said = (entry.actor, entry.action, entry.subject, json.dumps(entry.old), json.dumps(entry.new))
    return (sealed.position, sealed.occurred_at, *said, sealed.address, sealed.request_id, sealed.hash)


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
def test_heads_written_by_two_workers_at_once_may_cross_and_what_is_no_head_fits_nothing() -> None:
    log = a_log()
    heads = [Anchor(sealed.position, sealed.hash) for sealed in log]
    assert first_flaw(log, [heads[4], heads[3], heads[3], heads[9]]) is None
    for forged in (Anchor(0, b"a line nobody can read"), Anchor(4, heads[5].hash), Anchor(LENGTH + 1, heads[0].hash)):
        assert first_flaw(log, [heads[3], forged, heads[9]]) is not None


@pytest.mark.requirement("R-57")
async def test_a_long_log_takes_no_more_memory_to_verify_than_a_short_one(
    database: Database, fresh: TestDatabase
) -> None:
    peaks, log = [], a_log(LONG)
    owner = await asyncpg.connect(fresh.owner_url.replace("postgresql+asyncpg", "postgresql"))
    try:
        for part in (log[:SHORT], log[SHORT:]):
            await owner.copy_records_to_table("audit_log", records=[as_row(sealed) for sealed in part])
            tracemalloc.start()
            async with database.system() as session:
                assert await verify_audit(session, [Anchor(part[-1].position, part[-1].hash)], now()) == (
                    part[-1].position,
                    None,
                )
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    finally:
        await owner.close()
    assert peaks[1] < peaks[0] * 1.25, peaks


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
            await audit.record(session, now(), AuditEntry("a", "user_read", "b"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    async with database.system() as session:
        await audit.record(session, now(), AuditEntry("a", "user_read", "b"), AuditEntry("a", "usage_read", "b"))
    async with database.system() as session:
        assert await verify_audit(session, [], now()) == (2, None)


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
        assert await verify_audit(session, read_anchors(anchors), now()) == (last + 1, None)
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
    haneul: Person, database: Database, fresh: TestDatabase, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors"
    await anchor_once(database, anchors, None, (now(), 0))
    owner = Database(fresh.owner_url, fresh.owner_url, pool_size=1)
    try:
        async with owner.system() as session:
            await session.execute(text("UPDATE audit_log SET subject = 'nobody' WHERE position = 2"))
            count, flaw = await verify_audit(session, read_anchors(anchors), now())
            assert (count, flaw) == (1, "entry 2 is not what was written")
            await session.execute(text("DELETE FROM audit_log WHERE position = 2"))
            _, flaw = await verify_audit(session, read_anchors(anchors), now())
            assert flaw == "the log ends at entry 1, but entry 2 was written down outside the database"
    finally:
        await owner.close()


class TestCutting:
    """What is five years old is cut off behind a head that was written down then, and the rest still proves itself."""

    def test_a_log_may_begin_behind_a_head_that_was_written_down_long_enough_ago(self) -> None:
        log, old, young = a_log(), now() - OLD, now() - KEPT_FOR + timedelta(days=1)
        heads = [Anchor(sealed.position, sealed.hash, old) for sealed in log]
        left, last = log[8:], heads[-1]
        assert first_flaw(left, [heads[3], heads[7], last]) is None
        assert first_flaw(left, [heads[7], heads[7], heads[2], last]) is None, "written out of order, and twice"
        assert first_flaw(log, [heads[7], last]) is None, "nobody has to cut"
        for wrong in (
            [],
            [last],
            [heads[6], last],
            [heads[8], last],
            [Anchor(8, log[7].hash), last],
            [Anchor(8, log[7].hash, young), last],
            [Anchor(8, log[6].hash, old), last],
            [heads[7], Anchor(8, log[6].hash, old), last],
            [Anchor(0, b"a line nobody can read"), heads[7], last],
            [heads[7], Anchor(LENGTH + 1, log[0].hash, old)],
        ):
            assert first_flaw(left, wrong) is not None, wrong
        for tamper in TAMPERINGS:
            assert first_flaw(tamper(left, 5), [heads[7], last]) is not None, tamper.__name__

    @pytest.mark.requirement("R-57")
    async def test_what_is_old_enough_goes_once_it_is_proven_and_the_log_says_so(
        self, database: Database, fresh: TestDatabase, tmp_path: Path
    ) -> None:
        file = await written(fresh, tmp_path, a_log(age=OLD), heads=(7, 12))
        async with database.system() as session:
            await audit.record(session, now(), AuditEntry("me", "stepped_up", "me"))
        await anchor_once(database, file, None, (now(), 0))
        await cut_audit_once(database, file)
        await anchor_once(database, file, None, (now(), 0))
        async with database.system() as session:
            assert await verify_audit(session, read_anchors(file), now()) == (LENGTH - 12 + 2, None)
            kept = [sealed async for sealed in audit.list_from(session, 1)]
            assert (kept[0].position, kept[-1].entry.action, kept[-1].entry.old["to"]) == (13, "audit_log_cut", "12")
            assert await cut_audit(session, heads_to_cut(file, 13, now()), now()) == 0, "once"

    @pytest.mark.requirement("R-57")
    async def test_what_was_changed_is_evidence_and_stays(
        self, database: Database, fresh: TestDatabase, tmp_path: Path
    ) -> None:
        file = await written(fresh, tmp_path, edit(a_log(age=OLD), 3), heads=(7, LENGTH))
        with pytest.raises(Flawed, match="entry 4 is not what was written"):
            async with database.system() as session:
                await cut_audit(session, heads_to_cut(file, 1, now()), now())
        await cut_audit_once(database, file)
        async with database.system() as session:
            assert await audit.find_first(session) == 1

    @pytest.mark.requirement("R-57")
    async def test_what_is_young_is_kept_whatever_a_head_says(
        self, database: Database, fresh: TestDatabase, tmp_path: Path
    ) -> None:
        file = await written(fresh, tmp_path, a_log(), heads=(7,))
        with pytest.raises(Flawed, match="entry 1 is younger than the head"):
            async with database.system() as session:
                await cut_audit(session, heads_to_cut(file, 1, now()), now())

    @pytest.mark.requirement("R-57")
    async def test_the_database_cuts_off_nothing_young_nor_the_last_entry_nor_for_anybody_else(
        self, haneul: Person, database: Database, fresh: TestDatabase, tmp_path: Path
    ) -> None:
        async with database.system() as session:
            (last, _) = await audit.find_head(session) or (0, b"")
        assert last > 1
        with pytest.raises(DBAPIError, match="keeps entries for five years"):
            async with database.system() as session:
                await audit.delete_up_to(session, 1)
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.public() as session:
                await audit.delete_up_to(session, 1)
        owner = Database(fresh.owner_url, fresh.owner_url, pool_size=1)
        try:
            async with owner.system() as session:
                await session.execute(text("UPDATE audit_log SET occurred_at = occurred_at - interval '6 years'"))
        finally:
            await owner.close()
        with pytest.raises(DBAPIError, match="keeps its last entry"):
            async with database.system() as session:
                await audit.delete_up_to(session, last)
        file = tmp_path / "anchors"
        file.write_text(f"{last} {'00' * 32} {(now() - OLD).isoformat()}\n")
        async with database.system() as session:
            assert await cut_audit(session, heads_to_cut(file, 1, now()), now()) == 0


async def written(fresh: TestDatabase, folder: Path, log: list[Sealed], heads: Iterable[int]) -> Path:
    """Put a log into the database, and the heads at these positions into a file, as if long ago."""
    owner = await asyncpg.connect(fresh.owner_url.replace("postgresql+asyncpg", "postgresql"))
    try:
        await owner.copy_records_to_table("audit_log", records=[as_row(sealed) for sealed in log])
    finally:
        await owner.close()
    lines = (f"{at} {log[at - 1].hash.hex()} {(now() - OLD).isoformat()}\n" for at in heads)
    (folder / "anchors").write_text("".join(lines))
    return folder / "anchors"
