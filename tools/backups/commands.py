"""`./exodus backup`, `restore` and `quarantine`: what an operator does, in the order in which it is safe."""

import asyncio
import datetime as dt
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tools.backups import quarantine as isolation
from tools.backups import restoring, taking
from tools.backups.inventory import Server, rows_in, take_inventory
from tools.backups.quarantine import Quarantine
from tools.backups.taking import Manifest
from tools.native import credentials, running
from tools.native.errors import StackError
from tools.native.layout import Layout

KEEP_DEFAULT = 14

quarantine = typer.Typer(no_args_is_help=True, help="After a restore: what waits, and letting it go.")


def backup(
    keep: Annotated[int, typer.Option(min=1, help="How many backups stay on this machine.")] = KEEP_DEFAULT,
) -> None:
    """Take a backup, prove it by restoring it into a scratch server, and copy it away (EXODUS_BACKUP_COPY)."""
    layout = _native()
    with taking.alone(layout):
        taking.forget_old(layout, keep)
        folder = take_and_prove(layout, dt.datetime.now(dt.UTC))
        for old in taking.forget_old(layout, keep):
            typer.echo(f"forgot {old.name}")
    typer.echo(
        f"{folder}\nthe key that opens it is {layout.secrets / taking.KEY_FILE}: keep a copy where this machine is not"
    )


def take_and_prove(layout: Layout, moment: dt.datetime) -> Path:
    """Take a backup that is known to restore; only then is its age counted from now.

    Raises:
        StackError: with the step that failed. What was taken stays until the next try, and says that it is not proved.
    """
    began = time.monotonic()
    folder = taking.take(layout, moment)
    taken = time.monotonic()
    proved = restoring.prove(folder, taking.backup_key(layout), layout.directory / "scratch")
    if strange := proved.inventory.keys() ^ asyncio.run(take_inventory(server_of(layout))).keys():
        raise StackError(f"these tables are not in both the backup and the stack: {', '.join(sorted(strange))}")
    replace(Manifest.read(folder), verified_at=dt.datetime.now(dt.UTC).isoformat()).write(folder)
    typer.echo(
        f"restored and proved: {rows_in(proved.inventory):,} rows in {len(proved.inventory)} tables, "
        f"{proved.accounts_proved} account(s) rebuilt from their first entry; {proved.audit}"
    )
    taking.copy_away(folder)
    figures = {
        "proved_timestamp_seconds": (moment.timestamp(), "When the newest proved backup was taken."),
        "size_bytes": (sum(file.stat().st_size for file in folder.iterdir()), "Its size."),
        "taking_seconds": (taken - began, "How long it took to copy and seal."),
        "proving_seconds": (time.monotonic() - taken, "How long it took to restore, prove and copy away."),
    }
    typer.echo("; ".join(f"{name} {figure:,.1f}" for name, (figure, _) in figures.items()))
    _tell_metrics(layout, figures)
    taking.count_from(layout, moment, proved=True)
    return folder


def _tell_metrics(layout: Layout, figures: Mapping[str, tuple[float, str]]) -> None:
    """For the keeper's /metrics, and for Prometheus' node exporter, which reads every file of that folder."""
    lines = [
        f"# HELP exodus_backup_{name} {means}\n# TYPE exodus_backup_{name} gauge\nexodus_backup_{name} {figure:.1f}\n"
        for name, (figure, means) in figures.items()
    ]
    layout.metrics.mkdir(exist_ok=True)
    layout.metrics.chmod(0o755)  # the exporter has an account of its own
    target = layout.metrics / taking.METRICS
    target.with_suffix(".new").write_text("".join(lines))
    target.with_suffix(".new").chmod(0o644)
    target.with_suffix(".new").replace(target)


def restore(
    path: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder of one backup.")],
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The file with the backup key.")],
) -> None:
    """Restore a backup into a folder that holds no stack yet; it comes up in quarantine."""
    layout = _native()
    proved = restoring.restore(layout, path, taking.key_from(key), dt.datetime.now(dt.UTC))
    typer.echo(
        f"{rows_in(proved.inventory):,} rows are back as saved; {proved.accounts_proved} account(s) add up.\n"
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
    typer.echo(f"released: restored at {found.restored_at} from {found.backup}")


def release(layout: Layout) -> Quarantine:
    """End a running stack's quarantine; the next `up` starts its workers."""
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
