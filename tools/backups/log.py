"""Keeps the log between two backups, so that a restore may go to any moment after one.

Each segment that PostgreSQL finishes is sealed, taken away, and kept as long as it leads somewhere. A sealed segment
carries its name and its time inside, so that none passes for another. The name outside begins with a fingerprint of the
key: a restored stack has a key of its own, and its log never lies on that of the stack before, whose segments have the
same names.
"""

import asyncio
import datetime as dt
import gzip
import hashlib
import io
import json
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from tools.backups import taking
from tools.backups.inventory import server_of
from tools.backups.sealing import seal, unseal
from tools.backups.taking import Manifest
from tools.native import postgres
from tools.native.accounts import write_private
from tools.native.errors import StackError
from tools.native.layout import Layout

DAYS_VARIABLE: Final = "EXODUS_BACKUP_LOG_DAYS"
DAYS_DEFAULT: Final = 7
SEALED: Final = ".sealed"
SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
ARCHIVED: Final = "archived_until"
FIGURE: Final = "exodus_backup_log_archived_timestamp_seconds"
FINGERPRINT_DIGITS: Final = 12
CONNECT_SECONDS_MAX: Final = 5
IDLE_AFTER: Final = 4
"""So many times as long as a segment may stay open: a server that is short of processor time finishes it late."""


@dataclass(frozen=True)
class Segment:
    """One finished piece of the log, as it was unsealed."""

    name: str
    written_at: dt.datetime
    """When it was last written to: it has nothing from after that."""
    content: bytes


def folder_of(layout: Layout) -> Path:
    folder = taking.folder_of(layout) / "log"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def days_kept(environment: Mapping[str, str]) -> int:
    """How many days the log stays on this machine.

    Raises:
        StackError: when EXODUS_BACKUP_LOG_DAYS is no number of days.
    """
    told = environment.get(DAYS_VARIABLE) or str(DAYS_DEFAULT)
    if not told.isdigit() or int(told) == 0:
        raise StackError(f"{DAYS_VARIABLE}={told} is not a number of days: a whole number from 1 is needed.")
    return int(told)


def fingerprint(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:FINGERPRINT_DIGITS]


def sealed_name(key: bytes, name: str) -> str:
    return f"{fingerprint(key)}-{name}{SEALED}"


def ship(layout: Layout, environment: Mapping[str, str]) -> int:
    """Seal and take away what PostgreSQL has finished, the oldest first; return how many pieces that was.

    A piece is removed from where PostgreSQL put it only when it is sealed on disk and copied away: who dies in between
    does it again, under the same name.

    Raises:
        StackError: when the command that copies away fails; what was not copied waits.
        OSError: when the disk is full.
    """
    key, here, now = taking.backup_key(layout), folder_of(layout), dt.datetime.now(dt.UTC)
    # Asked first: what PostgreSQL lays there in between is then seen below.
    is_idle = _is_idle(layout, now)
    waiting = sorted(file for file in postgres.log_folder(layout).glob("[!.]*") if file.is_file())
    for file in waiting:
        written_at = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
        target = here / sealed_name(key, file.name)
        _seal_into(target, Segment(file.name, written_at, file.read_bytes()), key)
        taking.copy_away(target, environment)
        _count_until(layout, written_at)
        file.unlink()
    if not waiting and is_idle:
        _count_until(layout, now)
    return len(waiting)


def _is_idle(layout: Layout, now: dt.datetime) -> bool:
    """Whether nothing is left to take away: the log of a server that has nothing to do is not old.

    A segment in which something was committed is finished after LOG_SECONDS_MAX. So one that is not, and was last
    written to before that, holds no more than the server's notes to itself.
    """
    written = postgres.data_folder(layout) / "pg_wal"
    if any((written / "archive_status").glob("*.ready")):
        return False
    newest = max((file.stat().st_mtime for file in written.iterdir() if SEGMENT.fullmatch(file.name)), default=None)
    if newest is None:
        return False
    return dt.datetime.fromtimestamp(newest, dt.UTC) < now - dt.timedelta(seconds=IDLE_AFTER * postgres.LOG_SECONDS_MAX)


def wake_checkpointer(layout: Layout, woken: int) -> int:
    """Wake the process that finishes segments, once in its life; tell which, or `woken` if none is new.

    It begins before the server is ready, when it does not look at archive_timeout, and then sleeps for up to
    checkpoint_timeout: a quarter of an hour in which no segment would be finished, after every start and crash.
    """
    note = postgres.data_folder(layout) / "postmaster.pid"
    if layout.postgres_at:
        return _wake_in_its_container(layout, note, woken)
    import psutil  # noqa: PLC0415 - in a container there is none, and no process of the server's

    try:
        told = note.read_text().splitlines()
        if told[-1].strip() != "ready":
            return woken
        for child in psutil.Process(int(told[0])).children():
            if child.pid != woken and any("checkpointer" in part for part in child.cmdline()):
                child.send_signal(signal.SIGHUP)
                return int(child.pid)
    except (OSError, IndexError, psutil.Error):  # it is just starting or ending: the next look finds it
        pass
    return woken


def _wake_in_its_container(layout: Layout, note: Path, woken: int) -> int:
    """The same from the container beside it, which sees none of its processes: the server is told to tell them."""
    try:
        if not note.read_text().rstrip().endswith("ready") or (changed := note.stat().st_mtime_ns) == woken:
            return woken
        asyncio.run(_reload(server_of(layout).url("postgres")))
    except (OSError, TimeoutError, asyncpg.PostgresError):  # as below
        return woken
    return changed


async def _reload(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS_MAX)
    try:
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def _seal_into(target: Path, segment: Segment, key: bytes) -> None:
    head = json.dumps({"name": segment.name, "written_at": segment.written_at.isoformat()}).encode()
    unfinished = target.with_name(f".{target.name}")
    with unfinished.open("wb") as file:
        seal(io.BytesIO(head + b"\n" + gzip.compress(segment.content, 1)), file, key)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # its name is on disk too, before the plain piece goes
    finally:
        os.close(folder)


def open_segment(sealed: Path, key: bytes) -> Segment:
    """Unseal one piece of the log.

    Raises:
        StackError: when it was changed or cut off, or is another piece than its name says.
    """
    plain = io.BytesIO()
    with sealed.open("rb") as source:
        try:
            unseal(source, plain, key)
        except StackError as flaw:
            raise StackError(f"{sealed}: {flaw}") from flaw
    head, _, packed = plain.getvalue().partition(b"\n")
    told = json.loads(head)
    if sealed.name != sealed_name(key, told["name"]):
        raise StackError(f"{sealed} is in truth {told['name']}: somebody renamed it")
    return Segment(told["name"], dt.datetime.fromisoformat(told["written_at"]), gzip.decompress(packed))


def _count_until(layout: Layout, moment: dt.datetime) -> None:
    """Remember until when everything is safe; a timeline's history is older than the segment before it."""
    known = archived_until(layout)
    if known is None or moment > known:
        write_private(folder_of(layout) / ARCHIVED, moment.isoformat())


def archived_until(layout: Layout) -> dt.datetime | None:
    """What was committed until then is sealed, and copied away; None when nothing is."""
    file = folder_of(layout) / ARCHIVED
    return dt.datetime.fromisoformat(file.read_text().strip()) if file.exists() else None


def metrics(layout: Layout) -> str:
    """What Prometheus is told of it."""
    until = archived_until(layout)
    if until is None:
        return ""
    about = f"# HELP {FIGURE} Until when what was committed is archived.\n# TYPE {FIGURE} gauge\n"
    return f"{about}{FIGURE} {until.timestamp():.1f}\n"


def forget_old(layout: Layout, now: dt.datetime, days: int) -> int:
    """Remove what leads nowhere, and what is older than `days`; return how many pieces that was.

    What is needed to come from the newest backup to the present stays, however old it is.
    """
    begins = [
        manifest.log_from
        for manifest in map(Manifest.peek, taking.list_proved(taking.folder_of(layout)))
        if manifest.log_from is not None
    ]
    oldest, newest = min(begins, default=""), max(begins, default="")
    removed = 0
    for file in folder_of(layout).glob(f"[!.]*{SEALED}"):
        name = file.name.removesuffix(SEALED).partition("-")[2]
        is_old = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC) < now - dt.timedelta(days=days)
        if name < oldest or (is_old and (not newest or name < newest)):
            file.unlink()
            removed += 1
    return removed
