"""Opens a backup into a stack's folder, goes on by the log where asked, and proves what is there on its own server."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tools import service_commands
from tools.backups import quarantine, replaying
from tools.backups.inventory import Inventory, Server, differences, take_inventory
from tools.backups.quarantine import Quarantine
from tools.backups.replaying import Replay
from tools.backups.sealing import seal, unseal
from tools.backups.taking import (
    CLUSTER,
    INVENTORY,
    STACK,
    Manifest,
    digest_of,
    postgres_binaries,
    postgres_major,
)
from tools.native import accounts, credentials, postgres
from tools.native.credentials import POSTGRES_ADMIN, Addresses
from tools.native.errors import StackError
from tools.native.layout import NATIVE, Layout, settle
from tools.native.ports import Ports

READY_SECONDS_MAX = 600
SCRATCH_HOST_VARIABLE = "EXODUS_SCRATCH_HOST"
POLL_SECONDS = 0.1
NOWHERE = "127.0.0.1:9"
"""In place of the bus and the cache: what is only looked at speaks to nobody."""


class StackHolds(StackError):
    """There is something already where a backup should go; it is left as it is."""


@dataclass(frozen=True)
class Proved:
    """What a restored cluster turned out to hold."""

    inventory: Inventory
    accounts_proved: int
    audit: str
    until: dt.datetime | None = None
    """When its last transaction was committed, if it went on by the log."""


def open_into(layout: Layout, backup: Path, key: bytes) -> None:
    """Write a backup's cluster, secrets and audit heads into a stack's folder that has none yet.

    Raises:
        StackError: when something is there already, the backup is damaged, the key is another one, or PostgreSQL is.
    """
    manifest = Manifest.read(backup)
    home = layout.state_of("postgres")
    if home.exists() or layout.secrets.exists():
        raise StackHolds(f"{layout.directory} holds a stack already: move it away, or set EXODUS_STACK_DIR")
    if manifest.postgres != postgres_major():
        raise StackError(f"the backup is of PostgreSQL {manifest.postgres}, and {postgres_major()} is installed here")
    with tempfile.TemporaryDirectory(dir=layout.directory, prefix=".opening-") as opened:
        # Whole before any of it is used.
        cluster, stack = Path(opened, "cluster.tar.gz"), Path(opened, "stack.tar")
        for sealed, plain in ((CLUSTER, cluster), (STACK, stack)):
            with (backup / sealed).open("rb") as source, plain.open("wb") as target:
                unseal(source, target, key)
        with tarfile.open(stack) as tar:
            _extract(tar, layout.directory)
        data = accounts.home_for("postgres", home) / "data"
        data.mkdir(mode=0o700)
        with tarfile.open(cluster) as tar:
            _extract(tar, data)
    for path in (data, *data.rglob("*")):
        accounts.give(path, "postgres")


def _extract(archive: tarfile.TarFile, target: Path) -> None:
    """Write out what we sealed ourselves; Debian's Python 3.11.2, in images made from its packages, has no filters."""
    if hasattr(tarfile, "tar_filter"):
        archive.extractall(target, filter="tar")
    else:
        archive.extractall(target)  # noqa: S202 - it was opened with our key


def prove(backup: Path, key: bytes, scratch: Path, replay: Replay | None = None) -> Proved:
    """Restore a backup into a scratch folder, look at everything in it, and leave nothing there.

    The first time, what was found is written down beside the backup; from then on it must be found again. With
    `replay` it goes on by the log, and what has come since has to add up by itself.

    Raises:
        StackError: with what is wrong: the archive, an account's books, the audit log, or rows that differ.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    ports = Ports(base=_free_port() - Ports(base=0).postgres)
    host = os.environ.get(SCRATCH_HOST_VARIABLE)  # the container beside the keeper's
    layout = Layout(settle(scratch), ports, postgres_at=f"{host}:{ports.postgres}" if host else "")
    try:
        open_into(layout, backup, key)
        with recovered(layout, backup, key, replay) as (server, until):
            proved = _look(layout, server, until)
    finally:
        shutil.rmtree(layout.directory, ignore_errors=True)
    if replay is None:
        _compare(backup, key, proved.inventory)
    return proved


@contextlib.contextmanager
def recovered(
    layout: Layout, backup: Path, key: bytes, replay: Replay | None
) -> Iterator[tuple[Server, dt.datetime | None]]:
    """The server of what was opened into a folder, after it went on by the log if it has to.

    Returns:
        The server, and when the last transaction was committed that came out of the log, if one did.
    """
    until: dt.datetime | None = None
    spool = layout.state_of("postgres") / "replayed"
    try:
        if replay is not None:
            accounts.home_for("postgres", spool)
            replaying.lay_out(replay, backup, key, spool)
            accounts.write_private(layout.state_of("postgres") / "data" / replaying.SIGNAL, "", "postgres")
        with contextlib.ExitStack() as running:
            try:
                options = replaying.options(spool, replay.to) if replay is not None else ()
                server = running.enter_context(_server(layout, options))
            except StackError as ended:
                if replaying.ENDED_BEFORE not in str(ended):
                    raise
                server = running.enter_context(_server(layout, replaying.options(spool, None)))
            if replay is not None:
                until = replaying.last_commit(server)
                shutil.rmtree(spool)
            yield server, until
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def restore(layout: Layout, backup: Path, key: bytes, moment: dt.datetime, replay: Replay | None = None) -> Proved:
    """Restore a backup for good, prove what is there now, and put it into quarantine before anything can see it.

    With `replay` it goes on by the log: what was committed until then is there, and nothing from after it.

    Raises:
        StackError: as `open_into` and `prove` do; then nothing is left in the folder that was not there before.
    """
    try:
        open_into(layout, backup, key)
        with recovered(layout, backup, key, replay) as (server, until):
            proved = _look(layout, server, until)
            if replay is None:
                _compare(backup, key, proved.inventory)
            made_at = proved.until.isoformat() if proved.until else Manifest.peek(backup).made_at
            found = Quarantine(restored_at=moment.isoformat(), made_at=made_at, backup=backup.name)
            service_commands.auth_admin(layout, "note", "restored", backup.name)
            asyncio.run(quarantine.enter(layout, server, found))
    except StackHolds:
        raise
    except BaseException:
        for folder in (layout.state_of("postgres"), layout.secrets, layout.gateway, layout.audit_anchors.parent):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    layout.mode_file.write_text(NATIVE)
    return proved


def _look(layout: Layout, server: Server, until: dt.datetime | None) -> Proved:
    """Count everything, and have the services' own proofs run, with their own code, against the restored cluster."""
    inventory = asyncio.run(take_inventory(server))
    credentials.write_all(layout, Addresses(postgres.address_of(layout), NOWHERE, NOWHERE))
    layout.gateway.mkdir(exist_ok=True)
    status, said = service_commands.prove_ledger(layout)
    if status != 0:
        raise StackError(f"the restored books do not add up:\n{said}")
    return Proved(inventory, len(said.splitlines()), service_commands.auth_admin(layout, "audit-verify"), until)


def _compare(backup: Path, key: bytes, found: Inventory) -> None:
    file = backup / INVENTORY
    if file.exists():
        with file.open("rb") as source, tempfile.TemporaryFile() as plain:
            unseal(source, plain, key)
            plain.seek(0)
            expected: Inventory = json.load(plain)
        if lines := differences(expected, found):
            raise StackError("the restored cluster is not what was saved:\n" + "\n".join(lines))
        return
    with tempfile.TemporaryFile() as plain, file.open("wb") as target:
        plain.write(json.dumps(found).encode())
        plain.seek(0)
        seal(plain, target, key)
    manifest = Manifest.read(backup)
    replace(manifest, files=manifest.files | {INVENTORY: digest_of(file)}).write(backup)


@contextlib.contextmanager
def _server(layout: Layout, options: tuple[str, ...]) -> Iterator[Server]:
    """The restored cluster, running for as long as it is looked at."""
    passwords = credentials.open_passwords(layout)
    program = postgres.prepare(layout, postgres_binaries(), passwords)
    log = layout.directory / "postgres.log"
    with log.open("wb") as said:
        running = subprocess.Popen(
            (*program.command, *options),
            cwd=program.directory,
            user=program.account,
            group=program.account,
            extra_groups=[] if accounts.is_root() else None,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    server = Server(*layout.database, passwords.of(POSTGRES_ADMIN))
    try:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while reason := program.why_not_ready() or replaying.why_still_replaying(server):
            if running.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"the restored cluster does not start ({reason}):\n{log.read_text()[-2000:]}")
            time.sleep(POLL_SECONDS)
        yield server
    finally:
        running.terminate()
        running.wait()


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
    return port
