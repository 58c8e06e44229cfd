"""A program of ours is a session of its own, and one that goes after others says so to the kernel in both its ways."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tools.native.layout import ROOT
from tools.native.supervising import SHARE, yielding

START_SECONDS_MAX = 10
SETTINGS = """
[supervisord]
nodaemon=true
logfile={folder}/log
pidfile={folder}/pid
childlogdir={folder}
[program:first]
command={first}
[program:last]
command={last}
"""


@pytest.fixture
def supervisord(tmp_path: Path) -> Iterator[psutil.Process]:
    first, last = ("sleep", "60"), yielding("7", "sleep", "61")
    settings = SETTINGS.format(folder=tmp_path, first=shlex.join(first), last=shlex.join(last))
    (tmp_path / "settings").write_text(settings)
    command = [sys.executable, "-m", "tools.native.supervising", "-c", str(tmp_path / "settings")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        yield psutil.Process(running.pid)
        running.terminate()


def sleeper(supervisord: psutil.Process, seconds: str) -> psutil.Process:
    """The program that sleeps so long, once it is that."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        for child in supervisord.children():
            if child.cmdline()[:2] == ["sleep", seconds]:
                return child
        time.sleep(0.05)
    raise AssertionError("it did not start")


def test_each_program_is_a_session_of_its_own(supervisord: psutil.Process) -> None:
    pids = [sleeper(supervisord, seconds).pid for seconds in ("60", "61")]
    assert [os.getsid(pid) for pid in pids] == pids
    assert [os.getpgid(pid) for pid in pids] == pids, "supervisord ends a program with all that it began"


def test_who_goes_after_others_does_so_within_its_session_and_with_it(supervisord: psutil.Process) -> None:
    last, first = sleeper(supervisord, "61"), sleeper(supervisord, "60")
    assert (first.nice(), last.nice()) == (os.getpriority(os.PRIO_PROCESS, supervisord.pid), 7)
    if not Path(SHARE).exists():
        pytest.skip("this kernel does not group by session")
    shares = [Path(f"/proc/{each.pid}/autogroup").read_text().split() for each in (first, last)]
    assert [share[-1] for share in shares] == ["0", "7"]
    assert shares[0][0] != shares[1][0]
