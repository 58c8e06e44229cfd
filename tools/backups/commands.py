"""`./exodus backup`, `restore` and `quarantine`: what an operator does, in the order in which it is safe."""

import asyncio
import datetime as dt
import os
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tools import service_commands
from tools.backups import log, replaying, restoring, taking
from tools.backups import quarantine as isolation
from tools.backups.inventory import Server, rows_in, take_inventory
from tools.backups.quarantine import Quarantine
from tools.backups.replaying import Replay
from tools.backups.taking import Manifest
from tools.native import credentials, running
from tools.native.errors import StackError
from tools.native.layout import Layout

KEEP_DEFAULT = 14
LOG_METRICS = "backup_log.prom"

quarantine = typer.Typer(no_args_is_help=True, help="After a restore: what waits, and letting it go.")


def backup(
    keep: Annotated[int, typer.Option(min=1, help="How many backups stay on this machine.")] = KEEP_DEFAULT,
) -> None:
    """Take a backup, prove it by restoring it into a scratch server, and copy it away (EXODUS_BACKUP_COPY)."""
    layout = _native()
    with taking.alone(layout):
        taking.forget_old(layout, keep)
        folder = take_and_prove(layout, dt.datetime.now(dt.UTC))
        prove_log(layout, folder)
        for old in taking.forget_old(layout, keep):
            typer.echo(f"forgot {old.name}")
        log.forget_old(layout, dt.datetime.now(dt.UTC), log.days_kept(os.environ))
    typer.echo(
        f"{folder}\nthe key that opens it is {layout.secrets / taking.KEY_FILE}: keep a copy where this machine is not"
    )


def take_and_prove(layout: Layout, moment: dt.datetime) -> Path:
    """Take a backup that is known to restore; only then is its age counted from now.

    Raises:
        StackError: with the step that failed. What was taken stays until the next try, and says that it is not proved.
    """
    began = time.monotonic()
    service_commands.auth_admin(layout, "note", "backup_begun", taking.name_of(moment))
    folder = taking.take(layout, moment)
    taken = time.monotonic()
    proved = restoring.prove(folder, taking.backup_key(layout), layout.directory / "scratch")
    if strange := proved.inventory.keys() ^ asyncio.run(take_inventory(server_of(layout))).keys():
        raise StackError(f"these tables are not in both the backup and the stack: {', '.join(sorted(strange))}")
    service_commands.auth_admin(layout, "note", "backup_proved", folder.name)
    replace(Manifest.read(folder), verified_at=dt.datetime.now(dt.UTC).isoformat()).write(folder)
    typer.echo(
        f"restored and proved: {rows_in(proved.inventory):,} rows in {len(proved.inventory)} tables, "
        f"{proved.accounts_proved} account(s) rebuilt from their first entry; {proved.audit}"
    )
    if not taking.copy_away(folder, os.environ):
        typer.echo(f"note: {taking.COPY_VARIABLE} names no command that takes backups off this machine")
    figures = {
        "proved_timestamp_seconds": (moment.timestamp(), "When the newest proved backup was taken."),
        "size_bytes": (sum(file.stat().st_size for file in folder.iterdir()), "Its size."),
        "taking_seconds": (taken - began, "How long it took to copy and seal."),
        "proving_seconds": (time.monotonic() - taken, "How long it took to restore, prove and copy away."),
    }
    typer.echo("; ".join(f"{name} {figure:,.1f}" for name, (figure, _) in figures.items()))
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
        typer.echo("the log was not tried: it has to lead from a backup before this one")
        return None
    began = time.monotonic()
    to = since + (until - since) * random.random()  # noqa: S311 - any moment is as good as another
    proved = restoring.prove(before[-1], taking.backup_key(layout), layout.directory / "scratch", Replay(here, to))
    typer.echo(
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
    layout.metrics.chmod(0o755)  # the exporter has an account of its own
    target = layout.metrics / name
    target.with_suffix(".new").write_text("".join(lines))
    target.with_suffix(".new").chmod(0o644)
    target.with_suffix(".new").replace(target)


def restore(
    path: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="One backup, or with --to a folder of them.")
    ],
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The file with the backup key.")],
    to: Annotated[str, typer.Option(help="Go on by the log: to 2026-11-27T10:31:00+09:00, or `latest`.")] = "",
) -> None:
    """Restore a backup into a folder that holds no stack yet; it comes up in quarantine."""
    layout = _native()
    replay, backup = None, path
    if to:
        moment = replaying.moment_from(to)
        backup = replaying.choose(path, moment)
        replay = Replay(path if backup != path else path.parent, moment)
    proved = restoring.restore(layout, backup, taking.key_from(key), dt.datetime.now(dt.UTC), replay)
    how = f"by the log until {proved.until or 'the backup itself: nothing came after it'}" if replay else "as saved"
    typer.echo(
        f"{rows_in(proved.inventory):,} rows are back, {how}; {proved.accounts_proved} account(s) add up.\n"
        "It is in quarantine: `make up` lets people look, `./exodus quarantine release` lets orders and messages out."
    )


@quarantine.command("show")
def quarantine_show() -> None:
    """Say whether this stack is in quarantine, and what it was restored from."""
    found = isolation.current(_native())
    typer.echo(f"restored at {found.restored_at} from {found.backup}, taken at {found.made_at}" if found else "in none")


@quarantine.command("release")
def quarantine_release() -> None:
    """Start the workers and let orders in; what brokers know of the time between is looked for first."""
    layout = _native()
    found = release(layout)
    running.up(layout)
    typer.echo(
        f"released: restored at {found.restored_at} from {found.backup}\n"
        "Nothing of this stack is kept yet: take an `./exodus backup` now, and keep its key, which is a new one."
    )


def release(layout: Layout) -> Quarantine:
    """End a running stack's quarantine; the next `up` starts its workers."""
    if (found := isolation.current(layout)) is not None:
        service_commands.auth_admin(layout, "note", "quarantine_released", found.backup)
    return asyncio.run(isolation.leave(layout, server_of(layout)))


def server_of(layout: Layout) -> Server:
    """The database of a running stack, as its superuser sees it."""
    passwords = credentials.open_passwords(layout)
    return Server("127.0.0.1", layout.ports.postgres, passwords.of(credentials.POSTGRES_ADMIN))


def _native() -> Layout:
    layout = Layout.from_environment(os.environ)
    if layout.in_containers:
        raise StackError("backups of a stack in containers are not made yet: copy the volume while it is down")
    return layout
