"""Heads of the audit log, written down outside the database: who edits the log there cannot edit them as well."""

import asyncio
import os
import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog
from kit.db import Database
from kit.errors import Unavailable

from auth.domain.audit import Anchor
from auth.store import audit

ANCHOR_EVERY_SECONDS = 30
COMMAND_SECONDS_MAX = 20

log = structlog.get_logger()


def read_anchors(file: Path | None) -> Iterator[Anchor]:
    """Read every head that was written down; a line that cannot be read is a head that nothing fits."""
    if file is None or not file.exists():
        return
    with file.open() as lines:
        yield from (_read(line) for line in lines if line.strip())


def heads_to_cut(file: Path | None, first: int, now: datetime) -> list[Anchor]:
    """Read the heads from just before the log's first entry on that are old enough for a cut."""
    return [anchor for anchor in read_anchors(file) if anchor.position >= first - 1 and anchor.allows_cut(now)]


def _read(line: str) -> Anchor:
    try:
        position, digest, written_at = line.split()
        return Anchor(int(position), bytes.fromhex(digest), datetime.fromisoformat(written_at).astimezone(UTC))
    except ValueError:
        return Anchor(0, line.encode())


async def anchor_forever(
    database: Database, file: Path | None, command: str | None, clock: Callable[[], datetime]
) -> None:
    """Write down every new head within half a minute; while the database is away there is none."""
    last = max((anchor.position for anchor in read_anchors(file)), default=0)
    while True:
        try:
            last = await anchor_once(database, file, command, (clock(), last))
        except (Unavailable, OSError, TimeoutError) as failed:
            log.warning("the audit log's head is not written down", error=str(failed))
        await asyncio.sleep(ANCHOR_EVERY_SECONDS)


async def anchor_once(database: Database, file: Path | None, command: str | None, since: tuple[datetime, int]) -> int:
    """Write down the head if it is newer than the last one (time, position); return its position."""
    moment, last = since
    async with database.system() as session:
        head = await audit.find_head(session)
    if head is None or head[0] == last:
        return last
    line = f"{head[0]} {head[1].hex()} {moment.isoformat()}\n"
    if file is not None:
        await asyncio.to_thread(_append, file, line)
    if command is not None:
        await _hand_over(command, line)
    return head[0]


def _append(file: Path, line: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.fchmod(descriptor, 0o644)  # no secret; in containers the keeper of backups, with an account of its own, reads it
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _hand_over(command: str, line: str) -> None:
    process = await asyncio.create_subprocess_exec(*shlex.split(command), stdin=asyncio.subprocess.PIPE)
    async with asyncio.timeout(COMMAND_SECONDS_MAX):
        await process.communicate(line.encode())
    if process.returncode != 0:
        raise OSError(f"{command} ended with {process.returncode}")
