"""Servers for tests: fast, disposable, shared by every test run of this checkout, and left up for the next one."""

import atexit
import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tools.native import credentials, packages, servers
from tools.native.errors import StackError
from tools.native.layout import MARKER, ROOT, Layout, settle
from tools.native.ports import Ports, is_free
from tools.native.readiness import wait_until_ready
from tools.native.supervisor import Supervisor

DIRECTORY = ROOT / ".stack-test"
PORT_BASE_FIRST = 28000
# Downwards: from 32768 on, the kernel lends ports to clients, and what is free now may be lent a moment later.
PORT_BASE_STEP = -1000
PORT_BASE_TRIES = 9
READY_SECONDS_MAX = 60

# Runs that use the servers hold this file shared until they end, so that nobody stops the servers under them.
_in_use: list[IO[str]] = []


def ensure_test_servers(directory: Path = DIRECTORY) -> dict[str, str]:
    """Starts the servers unless they run, and returns the environment that tells tests where they are."""
    layout_folder = settle(directory)
    with _locked(layout_folder / "lock"):
        if not _in_use:
            file = (layout_folder / "in-use").open("w")
            fcntl.flock(file, fcntl.LOCK_SH)
            atexit.register(file.close)
            _in_use.append(file)
        return _running(layout_folder) or _start(layout_folder)


def stop_test_servers(directory: Path = DIRECTORY) -> bool:
    """Stops the servers and removes their data; False when another run still uses them."""
    if not directory.exists():
        return True
    folder = directory.resolve()
    with _locked(folder / "lock"), (folder / "in-use").open("w") as in_use:
        try:
            fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        _remove(folder)
    return True


def _running(folder: Path) -> dict[str, str] | None:
    """The environment of servers that run and answer; None when they have to be started."""
    note = folder / "environment.json"
    if not note.exists():
        return None
    noted = json.loads(note.read_text())
    layout = Layout(folder, Ports(noted["base"]), disposable=True)
    if not Supervisor(layout).is_running():
        return None
    environment: dict[str, str] = noted["environment"]
    return environment


def _start(folder: Path) -> dict[str, str]:
    """Starts from nothing: what a crashed run left is not worth understanding."""
    _remove(folder)
    layout = Layout(folder, _free_ports(), disposable=True)
    passwords = credentials.open_passwords(layout)
    programs = servers.prepare(layout, packages.ensure(), passwords)
    supervisor = Supervisor(layout)
    try:
        supervisor.start(programs)
        wait_until_ready(layout, supervisor, programs, READY_SECONDS_MAX)
    except BaseException:
        supervisor.stop()
        raise
    addresses = credentials.Addresses.native(layout)
    environment = {
        "EXODUS_TEST_POSTGRES": credentials.postgres_url(passwords, addresses.postgres),
        "EXODUS_TEST_REDIS": credentials.redis_url(passwords, addresses.redis),
        "EXODUS_TEST_AMQP": credentials.amqp_url(passwords, addresses.amqp),
    }
    note = folder / "environment.json"
    with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump({"base": layout.ports.base, "environment": environment}, file)
    return environment


def _free_ports() -> Ports:
    for attempt in range(PORT_BASE_TRIES):
        ports = Ports(PORT_BASE_FIRST + attempt * PORT_BASE_STEP)
        if all(is_free(port) for port, _, _ in ports.servers()):
            return ports
    raise StackError(f"no free ports for test servers from {PORT_BASE_FIRST} downwards")


def _remove(folder: Path) -> None:
    """Stops what still runs and empties the folder, except for the files that hold the locks."""
    Supervisor(Layout(folder, Ports(), disposable=True)).stop()
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in {"lock", "in-use", MARKER}:
            path.unlink()


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
