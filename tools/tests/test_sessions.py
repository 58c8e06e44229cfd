"""A program of ours is a session of its own, and one that goes after others says so to the kernel in both its ways."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.native.layout import ROOT
from tools.native.supervising import SHARE, yielding

# What a program says of itself, by supervisord's own output, before it waits for its end.
PROGRAM = """
import json, os, pathlib, signal, sys
share = pathlib.Path(sys.argv[2])
told = {"name": sys.argv[1], "pid": os.getpid(), "session": os.getsid(0), "group": os.getpgrp(), "nice": os.nice(0)}
print(json.dumps({**told, "share": share.read_text().split() if share.exists() else []}), flush=True)
signal.pause()
"""
SETTINGS = """
[supervisord]
nodaemon=true
silent=true
logfile={folder}/log
pidfile={folder}/pid
childlogdir={folder}
[program:first]
command={first}
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
[program:last]
command={last}
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
"""


@dataclass(frozen=True)
class Told:
    """What a program says of itself; `share` is its session's name and how nice that is, if the kernel groups by it."""

    name: str
    pid: int
    session: int
    group: int
    nice: int
    share: list[str]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[dict[str, Told]]:
    """What two programs say of themselves, the second of which goes after others."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    first = (sys.executable, str(program), "first", SHARE)
    last = yielding(7, sys.executable, str(program), "last", SHARE)
    settings = SETTINGS.format(folder=tmp_path, first=shlex.join(first), last=shlex.join(last))
    (tmp_path / "settings").write_text(settings)
    command = [sys.executable, "-m", "tools.native.supervising", "-c", str(tmp_path / "settings")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        said = [Told(**json.loads(running.stdout.readline())) for _ in range(2)]
        yield {each.name: each for each in said}
        running.terminate()


def test_each_program_is_a_session_of_its_own(told: dict[str, Told]) -> None:
    for program in told.values():
        assert program.session == program.pid
        assert program.group == program.pid, "supervisord ends a program with all that it began"


def test_who_goes_after_others_does_so_within_its_session_and_with_it(told: dict[str, Told]) -> None:
    first, last = told["first"], told["last"]
    assert (first.nice, last.nice) == (os.nice(0), os.nice(0) + 7)
    if not first.share:
        pytest.skip("this kernel does not group by session")
    assert (first.share[-1], last.share[-1]) == ("0", "2"), "a third: nobody starves"
    assert first.share[0] != last.share[0]
