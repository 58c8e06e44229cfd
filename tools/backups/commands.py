"""`./exodus backup`, `restore` and `quarantine`: what an operator does, in the order in which it is safe."""

import asyncio
import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from tools import service_commands
from tools.backups import quarantine as isolation
from tools.backups import replaying, restoring, taking
from tools.backups.inventory import rows_in, server_of
from tools.backups.proving import KEEP_DEFAULT, keep_another
from tools.backups.quarantine import Quarantine
from tools.backups.replaying import Replay
from tools.native import running
from tools.native.errors import StackError
from tools.native.layout import Layout

quarantine = typer.Typer(no_args_is_help=True, help="After a restore: what waits, and letting it go.")


def backup(
    keep: Annotated[int, typer.Option(min=1, help="How many backups stay on this machine.")] = KEEP_DEFAULT,
) -> None:
    """Take a backup, prove it by restoring it into a scratch server, and copy it away (EXODUS_BACKUP_COPY)."""
    layout = Layout.from_environment(os.environ)
    folder = keep_inside(layout, keep) if layout.in_containers else keep_another(layout, keep)
    typer.echo(
        f"{folder}\nthe key that opens it is {layout.secrets / taking.KEY_FILE}: keep a copy where this machine is not"
    )


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


def keep_inside(layout: Layout, keep: int) -> Path:
    """The same by the keeper of a stack in containers; return the folder as this machine knows it."""
    from tools import containers  # noqa: PLC0415 - only where containers run

    done = containers.execute(layout, running.KEEPER, ["python", "-m", "tools.backups.proving", str(keep)])
    *said, last = done.stdout.strip().splitlines() or [""]
    typer.echo("\n".join(said), nl=bool(said))
    if done.returncode != 0:
        raise StackError(f"{last}\n{done.stderr.strip().removeprefix('error: ')}".strip())
    return taking.folder_of(layout) / Path(last).name


def _native() -> Layout:
    layout = Layout.from_environment(os.environ)
    if layout.in_containers:
        raise StackError("backups of a stack in containers are not made yet: copy the volume while it is down")
    return layout
