"""A program of ours is a session of its own, and one that goes after others says so to the kernel in both its ways."""

import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.native.layout import ROOT
from tools.native.supervising import SHARE, SHARED_NICENESS, yielding

PATIENCE_SECONDS = 60
# What a program says of itself before it waits for its end.
PROGRAM = """
import json, os, pathlib, signal, socket, sys
share = pathlib.Path(sys.argv[3])
told = {"name": sys.argv[1], "pid": os.getpid(), "session": os.getsid(0), "group": os.getpgrp(), "nice": os.nice(0)}
told["share"] = share.read_text().split() if share.exists() else []
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(json.dumps(told).encode(), ("127.0.0.1", int(sys.argv[2])))
signal.pause()
"""
SETTINGS = """
[supervisord]
logfile={folder}/log
pidfile={folder}/pid
childlogdir={folder}
[program:first]
command={first}
[program:last]
command={last}
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


@dataclass(frozen=True)
class Begun:
    """supervisord, by its process, and what two programs say of themselves: the last goes after others."""

    supervisord: int
    first: Told
    last: Told


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Begun]:
    """It and its programs, as they run."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(PATIENCE_SECONDS)
        run = (sys.executable, str(program))
        arguments = (str(ear.getsockname()[1]), str(SHARE))
        programs = {"first": (*run, "first", *arguments), "last": yielding(7, *run, "last", *arguments)}
        commands = {
            name: shlex.join(("setpriv", "--pdeathsig", "KILL", "--", *each)) for name, each in programs.items()
        }
        (tmp_path / "settings").write_text(SETTINGS.format(folder=tmp_path, **commands))
        command = (sys.executable, "-m", "tools.native.supervising", "-c", str(tmp_path / "settings"))
        subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE_SECONDS)
        said = [Told(**json.loads(ear.recv(4_096))) for _ in programs]
    told = {each.name: each for each in said}
    supervisord = int((tmp_path / "pid").read_text())
    ended = os.pidfd_open(supervisord)
    yield Begun(supervisord, told["first"], told["last"])
    os.kill(supervisord, signal.SIGTERM)
    assert select.select([ended], [], [], PATIENCE_SECONDS)[0], "it ends when told to"
    os.close(ended)


def test_who_is_waited_for_is_a_session_and_who_goes_after_others_is_one_with_the_rest_of_them(begun: Begun) -> None:
    assert begun.first.session == begun.first.pid
    assert begun.last.session == os.getsid(begun.supervisord) != begun.first.session
    for program in (begun.first, begun.last):
        assert program.group == program.pid, "supervisord ends a program with all that it began"


def test_who_goes_after_others_does_so_within_its_session_and_with_it(begun: Begun) -> None:
    assert (begun.first.nice, begun.last.nice) == (os.nice(0), os.nice(0) + 7)
    if not begun.first.share:
        pytest.skip("this kernel does not group by session")
    assert (begun.first.share[-1], begun.last.share[-1]) == ("0", str(SHARED_NICENESS))
    assert begun.first.share[0] != begun.last.share[0]
