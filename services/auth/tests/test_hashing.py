"""The process that hashes: how far it steps back, and that its end is nobody's trouble."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from auth.hashing import NOBODYS, Hasher

NICENESS = 10
PASSWORD = "copper meadow 81 windmills\n구리"


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    made = Hasher(1, NICENESS)
    yield made
    made.close()


def the_process() -> psutil.Process:
    found = [
        child for child in psutil.Process().children() if any("hashing_process" in part for part in child.cmdline())
    ]
    assert len(found) == 1
    return found[0]


def niceness_of_session(process: int) -> int:
    sessions = Path(f"/proc/{process}/autogroup")
    if not sessions.exists():
        pytest.skip("this kernel has no autogroups")
    return int(sessions.read_text().split()[-1])


@pytest.mark.requirement("R-40")
async def test_hashing_steps_back_behind_every_other_session_and_every_other_process(hasher: Hasher) -> None:
    async with hasher.turn() as turn:
        assert await turn.fits(await turn.hash(PASSWORD), PASSWORD)
    process = the_process().pid
    assert os.getsid(process) == process
    assert os.sched_getscheduler(process) == os.SCHED_IDLE
    assert niceness_of_session(process) == NICENESS


async def test_a_hashing_process_that_was_killed_is_replaced_and_a_closed_hasher_leaves_none(hasher: Hasher) -> None:
    async with hasher.turn() as turn:
        hashed = await turn.hash(PASSWORD)
        first = the_process()
        first.kill()
        assert not await turn.fits(hashed, "another")
        assert the_process().pid != first.pid
        assert await turn.fits(hashed, PASSWORD)
    second = the_process()
    hasher.close()
    assert not second.is_running()


@pytest.mark.requirement("R-40", "R-41")
async def test_nobodys_hash_costs_what_everybodys_does(hasher: Hasher) -> None:
    assert not hasher.is_outdated(NOBODYS)
    async with hasher.turn() as turn:
        assert not await turn.fits(None, PASSWORD)
