"""How long a piece of computing may take and how much memory it may ask for: beyond it ends with a reason."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

KIBIBYTE = 1_024


class OutOfBounds(Exception):
    """A piece of work wanted more than anybody may have; `code` says of what."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Interrupt computing after so many seconds, in the main thread of a process that has nothing else to do.

    Raises:
        OutOfBounds: when the time is over, or memory cannot be had.
    """

    def too_long(_number: int, _frame: FrameType | None) -> NoReturn:
        said = f"One part of this run took more than {seconds:g} s; ask for fewer bars, or simpler rules."
        raise OutOfBounds("too_slow", said)

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except MemoryError as refused:
        said = "This run needs more memory than one may have; ask for fewer bars or combinations."
        raise OutOfBounds("too_large", said) from refused
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def bound_memory(more_bytes: int) -> None:
    """Let this process ask for so much more than it has now: beyond that an allocation fails, and nobody is killed."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmData:"))
    limit = int(line.split()[1]) * KIBIBYTE + more_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
