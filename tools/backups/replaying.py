"""Goes on from a backup by the log that was kept since: to a moment, or as far as the log leads."""

import asyncio
import datetime as dt
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from tools.backups import log, taking
from tools.backups.inventory import Server
from tools.backups.log import Segment
from tools.backups.taking import Manifest
from tools.native import accounts
from tools.native.errors import StackError

LATEST: Final = "latest"
PAGE_BYTES: Final = 8192
SIGNAL: Final = "recovery.signal"
ENDED_BEFORE: Final = "recovery ended before configured recovery target was reached"
"""What the server says when no commit from after the moment is in the log that was laid out. As that was written to
after the moment, all that is in it was committed before: the whole of it is what was asked for."""


@dataclass(frozen=True)
class Replay:
    """Which log to read, and how far."""

    log: Path
    """A folder in which the sealed pieces lie, in whatever folders below it."""
    to: dt.datetime | None
    """None: as far as it leads."""


def moment_from(text: str) -> dt.datetime | None:
    """The moment that `--to` names; None for `latest`.

    Raises:
        StackError: when it is no moment, or does not say in which zone.
    """
    if text == LATEST:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as wrong:
        raise StackError(f"--to {text} is no moment: 2026-11-27T10:31:00+09:00 is one, and so is `{LATEST}`") from wrong
    if moment.tzinfo is None:
        raise StackError(f"--to {text} does not say in which zone: add +09:00 for Korea, or +00:00")
    return moment


def choose(path: Path, to: dt.datetime | None) -> Path:
    """The backup to begin with: `path` itself if it is one, else the newest of that folder from before `to`.

    Raises:
        StackError: when there is none.
    """
    candidates = [path] if (path / taking.MANIFEST).exists() else taking.list_proved(path)
    for backup in reversed(candidates):
        manifest = Manifest.peek(backup)
        whole_at = dt.datetime.fromisoformat(manifest.finished_at or manifest.verified_at or manifest.made_at)
        if to is None or whole_at <= to:
            return backup
    before = f" that was whole by {to}" if to else ""
    raise StackError(f"{path} holds no backup{before}")


def lay_out(replay: Replay, backup: Path, key: bytes, target: Path) -> dt.datetime:
    """Unseal the log that a backup needs into a folder of the server's; return how far that leads.

    All of it is opened before the server sees any, and none is missing in between: a server that does not find a
    segment takes it for the end.

    Raises:
        StackError: when a piece is missing, was changed, or the log ends before the moment that is wanted.
    """
    manifest = Manifest.peek(backup)
    if manifest.log_from is None:
        raise StackError(f"{backup.name} does not say where the log begins: it is of a version that kept none")
    last = None
    for segment in _needed(replay, manifest.log_from, key):
        _write_sparsely(target / segment.name, segment.content)
        accounts.give(target / segment.name, "postgres")
        last = segment
    if last is None:
        raise StackError(
            f"{replay.log} has no log that goes on from {backup.name}: {log.sealed_name(key, manifest.log_from)} "
            "is not there, or is of another key"
        )
    if replay.to is not None and last.written_at < replay.to:
        raise StackError(
            f"the log ends at {last.written_at}, before {replay.to}: `--to {LATEST}` goes as far as it leads"
        )
    return last.written_at


def _needed(replay: Replay, first: str, key: bytes) -> Iterator[Segment]:
    sealed = {
        file.name.removesuffix(log.SEALED).partition("-")[2]: file
        for file in replay.log.rglob(log.sealed_name(key, "*"))
        if file.is_file()
    }
    newest = max((name for name in sealed if log.SEGMENT.fullmatch(name)), default="")
    name = first
    while name <= newest:
        if name not in sealed:
            raise StackError(f"the log has a gap: {log.sealed_name(key, name)} is missing in {replay.log}")
        segment = log.open_segment(sealed[name], key)
        yield segment
        if replay.to is not None and segment.written_at > replay.to:
            return
        name = taking.segment_after(name)


def _write_sparsely(target: Path, content: bytes) -> None:
    """What a segment has not used takes no room: on a quiet day that is nearly all of it."""
    with target.open("wb") as file:
        for at in range(0, len(content), PAGE_BYTES):
            page = content[at : at + PAGE_BYTES]
            if page.strip(b"\0"):
                file.seek(at)
                file.write(page)
        file.truncate(len(content))


def options(folder: Path, to: dt.datetime | None) -> tuple[str, ...]:
    """What the server is told besides, so that it goes on by the log in a folder and then stands on its own."""
    source = f"{shlex.quote(str(folder)).replace('%', '%%')}/%f"
    fetch = f"cp --sparse=always {source} %p 2>/dev/null || cp {source} %p"  # not every cp knows holes
    told = {"restore_command": fetch, "recovery_target_action": "promote"}
    if to is not None:
        told["recovery_target_time"] = to.astimezone(dt.UTC).isoformat(sep=" ")
    return tuple(part for name, value in told.items() for part in ("-c", f"{name}={value}"))


def why_still_replaying(server: Server) -> str | None:
    """The reason in words, None when the server stands on its own."""
    try:
        replaying = asyncio.run(_ask(server, "SELECT pg_is_in_recovery()"))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return f"{type(error).__name__}: {error}"
    return "the log is being replayed" if replaying else None


def last_commit(server: Server) -> dt.datetime | None:
    """When the last transaction that came out of the log was committed; None when none did."""
    moment: dt.datetime | None = asyncio.run(_ask(server, "SELECT pg_last_xact_replay_timestamp()"))
    return moment


async def _ask(server: Server, query: str) -> Any:
    connection = await asyncpg.connect(server.url("postgres"), timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
