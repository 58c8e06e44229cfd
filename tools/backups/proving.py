"""Takes one backup and restores it, `python -m tools.backups.proving [KEEP]`: what the keeper starts each night."""

import asyncio
import datetime as dt
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tools import service_commands
from tools.backups import log, restoring, taking
from tools.backups.inventory import rows_in, server_of, take_inventory
from tools.backups.replaying import Replay
from tools.backups.taking import Manifest
from tools.native.errors import StackError
from tools.native.layout import Layout

KEEP_DEFAULT = 14
LOG_METRICS = "backup_log.prom"


def keep_another(layout: Layout, keep: int) -> Path:
    """Take a backup and prove it and the log, and forget what is too old; return its folder.

    Raises:
        StackError: with the step that failed, or when somebody else is at it.
    """
    with taking.alone(layout):
        taking.forget_old(layout, keep)
        folder = take_and_prove(layout, dt.datetime.now(dt.UTC))
        prove_log(layout, folder)
        for old in taking.forget_old(layout, keep):
            print(f"forgot {old.name}")
        log.forget_old(layout, dt.datetime.now(dt.UTC), log.days_kept(os.environ))
    return folder


def take_and_prove(layout: Layout, moment: dt.datetime) -> Path:
    """Take a backup that is known to restore; only then is its age counted from now.

    Raises:
        StackError: with the step that failed. What was taken stays until the next try, and says that it is not proved.
    """
    began = time.monotonic()
    service_commands.auth_admin(layout, "note", "backup_begun", taking.name_of(moment))
    folder = taking.take(layout, moment)
    taken = time.monotonic()
    proved = restoring.prove(folder, taking.backup_key(layout), taking.scratch_of(layout))
    if strange := proved.inventory.keys() ^ asyncio.run(take_inventory(server_of(layout))).keys():
        raise StackError(f"these tables are not in both the backup and the stack: {', '.join(sorted(strange))}")
    service_commands.auth_admin(layout, "note", "backup_proved", folder.name)
    replace(Manifest.read(folder), verified_at=dt.datetime.now(dt.UTC).isoformat()).write(folder)
    print(
        f"restored and proved: {rows_in(proved.inventory):,} rows in {len(proved.inventory)} tables, "
        f"{proved.accounts_proved} account(s) rebuilt from their first entry; {proved.audit}"
    )
    if not taking.copy_away(folder, os.environ):
        print(f"note: {taking.COPY_VARIABLE} names no command that takes backups off this machine")
    figures = {
        "proved_timestamp_seconds": (moment.timestamp(), "When the newest proved backup was taken."),
        "size_bytes": (sum(file.stat().st_size for file in folder.iterdir()), "Its size."),
        "taking_seconds": (taken - began, "How long it took to copy and seal."),
        "proving_seconds": (time.monotonic() - taken, "How long it took to restore, prove and copy away."),
    }
    print("; ".join(f"{name} {figure:,.1f}" for name, (figure, _) in figures.items()))
    _tell_metrics(layout, taking.METRICS, figures)
    taking.count_from(layout, moment, proved=True)
    return folder


def prove_log(layout: Layout, newest: Path) -> dt.datetime | None:
    """Restore the backup before the newest to some moment since, by the log, and look at everything there.

    Returns:
        The moment; None when there is nothing yet to prove.

    Raises:
        StackError: when the log does not lead there, or what it leads to does not add up.
    """
    here, until = taking.folder_of(layout), log.archived_until(layout)
    before = [backup for backup in taking.list_proved(here) if backup < newest and Manifest.peek(backup).log_from]
    since = dt.datetime.fromisoformat(Manifest.peek(before[-1]).finished_at or "") if before else None
    if since is None or until is None or until <= since:
        print("the log was not tried: it has to lead from a backup before this one")
        return None
    began = time.monotonic()
    to = since + (until - since) * random.random()  # noqa: S311 - any moment is as good as another
    proved = restoring.prove(before[-1], taking.backup_key(layout), taking.scratch_of(layout), Replay(here, to))
    print(
        f"went on from {before[-1].name} to {to} by the log: {rows_in(proved.inventory):,} rows, "
        f"{proved.accounts_proved} account(s) rebuilt; {proved.audit}"
    )
    figures = {
        "log_proved_timestamp_seconds": (time.time(), "When the log was last restored to a moment."),
        "log_proving_seconds": (time.monotonic() - began, "How long that took."),
    }
    _tell_metrics(layout, LOG_METRICS, figures)
    return to


def _tell_metrics(layout: Layout, name: str, figures: Mapping[str, tuple[float, str]]) -> None:
    """For the keeper's /metrics, and for Prometheus' node exporter, which reads every file of that folder."""
    lines = [
        f"# HELP {figure} {means}\n# TYPE {figure} gauge\n{figure} {value:.1f}\n"
        for figure, (value, means) in ((f"exodus_backup_{what}", told) for what, told in figures.items())
    ]
    layout.metrics.mkdir(exist_ok=True)
    if not layout.metrics.is_mount():
        layout.metrics.chmod(0o755)  # the exporter has an account of its own
    target = layout.metrics / name
    target.with_suffix(".new").write_text("".join(lines))
    target.with_suffix(".new").chmod(0o644)
    target.with_suffix(".new").replace(target)


def main(arguments: Sequence[str]) -> int:
    """Keep one more of this stack; the exit status is 0 only when it was proved."""
    try:
        folder = keep_another(Layout.from_environment(os.environ), int(arguments[0]) if arguments else KEEP_DEFAULT)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.EXIT_STATUS
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
