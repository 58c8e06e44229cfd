"""Commands of the services' own, run with a service's settings: on this machine, or in the container of its API."""

import os
import subprocess
import sys

from tools import containers
from tools.native import sealing_keys, services
from tools.native.errors import StackError
from tools.native.layout import Layout


def run_module(
    layout: Layout, service: str, module: str, *arguments: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a module of a service with that service's settings: on this machine, or in the container of its API."""
    if layout.in_containers:
        return containers.execute(layout, f"{service}-api", ["python", "-m", module, *arguments], typed)
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=typed,
        text=True,
        capture_output=True,
        env={**os.environ, **services.environment(layout, service)},
        check=False,
    )


def auth_admin(layout: Layout, *arguments: str, typed: str = "") -> str:
    """Run a command of auth's own; return what it said.

    Raises:
        StackError: with what it said when it refused.
    """
    done = run_module(layout, "auth", "auth.admin", *arguments, typed=typed)
    if done.returncode != 0:
        raise StackError(done.stderr.strip() or done.stdout.strip() or "auth.admin failed without a word")
    return done.stdout.strip()


def trading_says(layout: Layout, *arguments: str) -> tuple[int, str]:
    """Run trading's own command line with the stack's settings."""
    done = run_module(layout, "trading", "trading.operate", *arguments)
    return done.returncode, done.stdout + done.stderr


def prove_ledger(layout: Layout, *options: str) -> tuple[int, str]:
    """Have every account of a stack proved; return the exit status and the report, a line for each account."""
    return trading_says(layout, "prove", *options)


def rotate_sealing(layout: Layout, service: str) -> str:
    """Add a sealing key of a service, or end a rotation that died; return what was done.

    Raises:
        StackError: when the service seals nothing, or the audit log or the service cannot be reached.
    """
    if service not in sealing_keys.SEALING:
        raise StackError(f"{service} seals nothing; {', '.join(sealing_keys.SEALING)} do")
    added, moved = sealing_keys.rotate(
        layout,
        service,
        lambda: reseal(layout, service),
        lambda: auth_admin(layout, "note", "sealing_key_added", service),
    )
    state = "has a new sealing key" if added else "had a rotation that died; it is at its end now"
    return f"{service} {state}: {moved} moved to it."


def reseal(layout: Layout, service: str) -> int:
    """Have a service move to its newest sealing key what an older one has sealed; how much it moved.

    Raises:
        StackError: with what it said when it could not.
    """
    module = "auth.admin" if service == "auth" else f"{service}.operate"
    done = run_module(layout, service, module, "reseal")
    if done.returncode != 0:
        raise StackError(done.stderr.strip() or f"{module} failed without a word")
    return int(done.stdout.split()[-1])
