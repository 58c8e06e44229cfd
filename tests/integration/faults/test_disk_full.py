"""PostgreSQL on a small disk that fills up while orders flow: 503 until there is room, and nothing is lost.

Played by `make chaos` alone: it moves the database's files onto a disk of memory and back, which needs root.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.order_stream import Stream, account_for
from tests.integration.platform_under_test import Platform
from tools.native.readiness import wait_until_ready
from tools.native.supervisor import Supervisor
from tools.people import Trader

ROOM_BYTES = 64 << 20
FULL_SECONDS = 5

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="a disk of memory is mounted by root alone"),
]


@pytest.fixture
def small_disk(platform: Platform) -> Iterator[Path]:
    """The cluster on a disk with 64 MiB to spare; in the end it lies where it was, with what happened meanwhile."""
    data = platform.layout.state_of("postgres") / "data"
    aside = data.with_name("data-aside")
    supervisor = Supervisor(platform.layout)
    supervisor.stop_one("servers", "postgres")
    data.rename(aside)
    data.mkdir()
    size = sum(file.stat().st_size for file in aside.rglob("*") if file.is_file()) + ROOM_BYTES
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(data))
    try:
        _run("cp", "--archive", f"{aside}/.", str(data))
        supervisor.start_one("servers", "postgres")
        yield data
    finally:
        supervisor.stop_one("servers", "postgres")
        shutil.rmtree(aside)
        _run("cp", "--archive", str(data), str(aside))
        _run("umount", str(data))
        data.rmdir()
        aside.rename(data)
        supervisor.start_one("servers", "postgres")
        wait_until_ready(platform.layout, supervisor, platform.programs())  # whoever comes next finds a platform


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.mark.requirement("R-25")
async def test_a_full_disk_refuses_orders_and_loses_none(platform: Platform, trader: Trader, small_disk: Path) -> None:
    stream = Stream(trader)
    trading = asyncio.create_task(stream.run())
    await stream.until_answered(4, trading)
    before = stream.refusals
    ballast = small_disk / "ballast"
    await asyncio.to_thread(_fill, ballast)
    try:
        await asyncio.sleep(FULL_SECONDS)  # what is tested is that time passes like this
    finally:
        ballast.unlink()
    assert stream.refusals > before, "the disk was not full"
    await stream.until_answered(4, trading)
    stream.going = False
    await trading
    await account_for(platform, stream)


def _fill(file: Path) -> None:
    """Write until there is no room."""
    block = bytes(1 << 20)
    try:
        with file.open("wb", buffering=0) as opened:
            while opened.write(block) == len(block):
                pass
    except OSError:
        pass
