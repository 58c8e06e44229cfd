"""Commands of the services' own, run with a service's settings: on this machine, or in the container of its API."""

import os
import subprocess
import sys

from tools.native import services
from tools.native.errors import StackError
from tools.native.layout import Layout


def run_module(
    layout: Layout, service: str, module: str, *arguments: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a module of a service with that service's settings: on this machine, or in the container of its API."""
    if layout.in_containers:
        from tools import containers  # noqa: PLC0415 - the keeper of backups has no engine to ask

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


def trading_operate(layout: Layout, *arguments: str) -> tuple[int, str]:
    """Run trading's own command line; return the exit status and all it said."""
    done = run_module(layout, "trading", "trading.operate", *arguments)
    return done.returncode, done.stdout + done.stderr


def prove_ledger(layout: Layout, *options: str) -> tuple[int, str]:
    """Have every account of a stack proved; return the exit status and the report, a line for each account."""
    return trading_operate(layout, "prove", *options)
