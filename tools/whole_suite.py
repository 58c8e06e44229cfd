"""Every test there is, in as little time as two cores allow: `python -m tools.whole_suite`.

The tests of the whole platform mostly wait, for processes to start and for markets to move. So two platforms run at
once, one that people use and one that things happen to, each written to a file that is shown when it ends. Those of the
parts compute: they come after. Beside them a platform on a slow machine has no time left, and that is what is tested.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from tools import web
from tools.native import packages
from tools.native.errors import StackError
from tools.native.layout import ROOT

PARTS: Final = ("-n", "3", "--dist", "loadfile", "libs", "services", "gateway", "tools")
WHOLE: Final = {
    "the platform in use": (16_000, ("tests/integration", "--ignore", "tests/integration/faults")),
    "the platform under faults": (24_500, ("tests/integration/faults",)),
}
"""What the tests of whole platforms are called, the first of their ports, and which they are."""
SHOW_EVERY_SECONDS: Final = 0.5


def run() -> int:
    """Run everything; return how many of the five steps failed."""
    begun = time.monotonic()
    _install()
    failed: int = _step("the web client's build", begun, sys.executable, "-m", "tools.web", "build")
    with ExitStack() as ends:
        whole = {title: ends.enter_context(_beside(*which)) for title, which in WHOLE.items()}
        failed += _step("the web client", begun, sys.executable, "-m", "tools.web", "test")
        for title, (process, log) in whole.items():
            code = _follow(process, log)
            _say(title, begun, code)
            failed += code != 0
    failed += _step("the parts", begun, sys.executable, "-m", "pytest", *PARTS)
    subprocess.run((sys.executable, "-m", "tools.stack", "test-servers", "down"), cwd=ROOT, check=False)
    return failed


def _install() -> None:
    """Find or install what any test needs, before two of them want the same at once."""
    for ensure in (packages.ensure, packages.ensure_monitoring, packages.ensure_clock, web.ensure_browser):
        try:
            ensure()
        except StackError as missing:  # the tests that need it skip or fail, and say so
            _tell(str(missing))


def _step(name: str, begun: float, *command: str) -> bool:
    """Run a command to its end; return whether it failed."""
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    _say(name, begun, code)
    return code != 0


@contextmanager
def _beside(port_base: int, which: Sequence[str]) -> "Iterator[tuple[subprocess.Popen[bytes], Path]]":
    """Run tests of a platform with these ports in the background; the process, and the file it writes to."""
    surroundings = os.environ | {"EXODUS_TEST_PORT_BASE": str(port_base)}
    command = (sys.executable, "-m", "pytest", *which)
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=surroundings)
        try:
            yield process, Path(log.name)
        finally:
            _end(process)


def _say(name: str, begun: float, code: int) -> None:
    how = "passed" if code == 0 else f"FAILED with {code}"
    _tell(f"== {name}: {how}, {time.monotonic() - begun:.0f} s since the beginning")


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _follow(process: "subprocess.Popen[bytes]", file: Path) -> int:
    """Show what a process has written and writes until it ends; return its code."""
    with file.open(errors="replace") as log:
        code = None
        while code is None:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(SHOW_EVERY_SECONDS)
            sys.stdout.write(log.read())
            sys.stdout.flush()
    return code


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Whoever interrupts us leaves no platform running."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait()


if __name__ == "__main__":
    sys.exit(run())
