"""Hashing in a process of its own, which takes only what everybody else on the machine leaves over.

A thread cannot step back far enough. Linux shares processors among sessions first (`man 7 sched`, autogroups): a thread
of niceness 19 that runs alone has the whole share of its session, and PostgreSQL gives each of its processes another
one. A process can have a session of its own, and say how little that is worth.

Run by itself, it answers one line of JSON with another, until nobody asks any more.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
OWN_SESSION: Final = Path("/proc/self/autogroup")

argon2: Final = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)


class Gone(Exception):
    """The process ended before it answered."""


class HashingProcess:
    """The other end: one question at a time, from any thread."""

    def __init__(self, niceness: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this file, by our own interpreter
            [sys.executable, "-P", __file__, str(niceness)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions, self._answers = self._process.stdin, self._process.stdout

    def ask(self, password: str, against: str | None = None) -> str | bool:
        """Return a fresh hash, or whether the password fits the one that is given.

        Raises:
            Gone: when there is nobody to ask any more.
        """
        with suppress(BrokenPipeError):  # then there is no answer either
            self._questions.write(json.dumps([password, against]) + "\n")
            self._questions.flush()
        if not (line := self._answers.readline()):
            self.end()
            raise Gone
        answer: str | bool = json.loads(line)
        return answer

    def end(self) -> None:
        """Stop it; what it is asked at the moment is not answered."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._questions, self._answers):
            with suppress(OSError):  # a question that it did not read
                pipe.close()


def answer(password: str, against: str | None) -> str | bool:
    """Hash or compare, in this process."""
    if against is None:
        return argon2.hash(password)
    try:
        return argon2.verify(against, password)
    except VerifyMismatchError:
        return False


def _step_back(niceness: int) -> None:
    """Be worth less than other sessions; and idle, which counts where sessions do not (in a container, by systemd)."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError):  # a kernel without autogroups looks at each process
        OWN_SESSION.write_text(str(niceness))


def _main() -> None:
    if niceness := int(sys.argv[1]):
        _step_back(niceness)
    for line in sys.stdin:
        print(json.dumps(answer(*json.loads(line))), flush=True)  # noqa: T201 - this is how it answers


if __name__ == "__main__":
    _main()
