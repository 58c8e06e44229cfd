"""Keeps the gateway's logs from filling the disk: nginx writes them itself, so the supervisor cannot cut them.

`python -m tools.native.rotating PID_FILE LOG…`. A log that has grown, or that began on an earlier day, is put aside
under the moment of it, nginx is told to begin a new one, and the old is packed. No line is lost: nginx writes into the
old file until it has opened the new.
"""

import datetime as dt
import gzip
import os
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tools.native.reloading import nginx_of

LOOK_SECONDS = 30
REOPEN_SECONDS = 5
"""Longer than nginx keeps lines back before it writes them (`flush=1s`)."""
BYTES_MAX = 64 * 1024**2
KEPT_DAYS = 400
KEPT_BYTES_MAX = 2 * 1024**3
PACKED = ".gz"


def is_due(log: Path, now: dt.datetime) -> bool:
    """Whether a log has grown too large, or holds lines of an earlier day (UTC)."""
    if not log.exists() or (size := log.stat().st_size) == 0:
        return False
    return size >= BYTES_MAX or began_at(log).date() < now.date()


def began_at(log: Path) -> dt.datetime:
    """When the log was begun: after the newest that was put aside, or, if none was, when it was last written to."""
    aside = max(log.parent.glob(f"{log.name}.[0-9]*"), default=None)
    since = (aside or log).stat().st_mtime
    return dt.datetime.fromtimestamp(since, dt.UTC)


def put_aside(log: Path, now: dt.datetime) -> Path:
    """Move a log out of the way; whoever has it open goes on writing into it."""
    aside = log.with_name(f"{log.name}.{now:%Y%m%dT%H%M%S.%fZ}")
    log.rename(aside)
    os.utime(aside, (now.timestamp(), now.timestamp()))
    return aside


def pack(aside: Path) -> Path:
    """Compress what was put aside; a second try after a crash begins anew."""
    packed, unfinished = aside.with_name(aside.name + PACKED), aside.with_name(f".{aside.name}")
    with aside.open("rb") as plain, gzip.open(unfinished, "wb") as target:
        shutil.copyfileobj(plain, target)
    shutil.copystat(aside, unfinished)
    unfinished.rename(packed)
    aside.unlink()
    return packed


def forget_old(log: Path, now: dt.datetime) -> list[Path]:
    """Remove what was put aside more than `KEPT_DAYS` ago, and the oldest of what is more than `KEPT_BYTES_MAX`."""
    removed, size = [], 0
    for packed in sorted(log.parent.glob(f"{log.name}.[0-9]*{PACKED}"), reverse=True):
        stat = packed.stat()
        size += stat.st_size
        too_old = dt.datetime.fromtimestamp(stat.st_mtime, dt.UTC) < now - dt.timedelta(days=KEPT_DAYS)
        if too_old or size > KEPT_BYTES_MAX:
            packed.unlink()
            removed.append(packed)
    return removed


def rotate(logs: Sequence[Path], pid_file: Path, now: dt.datetime, pause: threading.Event) -> list[Path]:
    """Put aside the logs that are due, have nginx begin new ones, and pack what it has let go of.

    Returns:
        What was packed, of an interrupted run too.
    """
    master = nginx_of(pid_file)
    if master is None:  # it opens its logs when it starts
        return []
    aside = [put_aside(log, now) for log in logs if is_due(log, now)]
    left = [file for log in logs for file in log.parent.glob(f"{log.name}.[0-9]*Z")]
    if not left:
        return []
    os.kill(master, signal.SIGUSR1)
    pause.wait(REOPEN_SECONDS)
    packed = [pack(file) for file in sorted({*aside, *left})]
    for log in logs:
        forget_old(log, now)
    return packed


def main(pid_file: Path, logs: Sequence[Path]) -> None:
    """Look every half minute until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(LOOK_SECONDS):
        try:
            rotate(logs, pid_file, dt.datetime.now(dt.UTC), stop)
        except OSError as broken:  # a full disk: the next look tries again
            print(f"the gateway's logs were not cut: {broken}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(log) for log in sys.argv[2:]])
