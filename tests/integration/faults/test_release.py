"""A release and the way back, while somebody trades, reads and listens: nobody is turned away, nothing runs twice."""

import asyncio
import datetime as dt
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.integration import invariants
from tests.integration.order_stream import Stream, account_for
from tests.integration.platform_under_test import Platform
from tools.native import releasing, services
from tools.native.errors import StackError
from tools.native.layout import ROOT
from tools.people import Refused, Trader

NOW = dt.datetime.now(dt.UTC)
SERVICE_RESTARTS = 1012
READ_EVERY_SECONDS = 0.1
TRADING = "services/trading"
A_MIGRATION_THAT_FAILS = """
from alembic import op

revision = "9999"
down_revision = "{newest}"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN half_done text")
    op.execute("SELECT 1 / 0")
""".format(newest=max(file.name for file in (ROOT / TRADING / "migrations/versions").glob("*.py"))[:4])


class Reader:
    """Somebody who looks at the orders and at a price again and again."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader
        self.answers: Counter[int] = Counter()

    async def read(self) -> None:
        while True:
            for path in ("/trading/orders?limit=5", "/market/quotes/AAPL"):
                with suppress(
                    httpx.TransportError
                ):  # a line that was closed while idle: a browser asks again by itself
                    self.answers[await self._status(path)] += 1
            await asyncio.sleep(READ_EVERY_SECONDS)

    async def _status(self, path: str) -> int:
        try:
            await self._trader.call("GET", path)
        except Refused as refused:
            return refused.status
        return 200


@pytest.fixture
def released(platform: Platform) -> Iterator[Platform]:
    """The platform, which is blue again afterwards: the other tests know its processes by name."""
    yield platform
    if platform.layout.versions.live == "green":
        releasing.roll_back(platform.layout, NOW, anyway=True)


def services_that_run(platform: Platform) -> dict[str, set[str]]:
    """The states of the services' processes, by colour."""
    found: dict[str, set[str]] = {}
    for process in platform.processes().values():
        if process["group"] in {"blue", "green"}:
            found.setdefault(process["group"], set()).add(process["statename"])
    return found


async def a_release_that_is_cut_off(platform: Platform, when: Callable[[], bool]) -> None:
    """Kill -9 the command as soon as it has come so far."""
    layout = platform.layout
    told = {
        "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in (".", "libs/kit", "libs/quant")),
        "EXODUS_STACK_DIR": str(layout.directory),
        "EXODUS_PORT_BASE": str(layout.ports.base),
        "EXODUS_GATEWAY_PORT": str(layout.ports.gateway),
        "EXODUS_GATEWAY_HTTP_PORT": str(layout.ports.gateway_http),
    }
    command = (sys.executable, "-m", "tools.stack", "release", "--anyway")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env={**os.environ, **told})
    while not await asyncio.to_thread(when) and process.returncode is None:  # noqa: ASYNC110 - files and processes tell
        await asyncio.sleep(0.05)
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def a_repository_with(folder: Path, mistake: tuple[str, str]) -> Path:
    """A copy of what a release takes its code from, in which somebody has written one file."""
    file, text = mistake
    for part in {part for service in services.SERVICES for part in services.code_of(service)}:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(*services.NO_PART))
    (folder / "tools").symlink_to(ROOT / "tools")
    (folder / file).write_text(text)
    return folder


@pytest.mark.stack
@pytest.mark.timeout(400)
@pytest.mark.requirement("R-30")
@pytest.mark.parametrize(
    ("mistake", "why"),
    [
        ((f"{TRADING}/migrations/versions/9999_a_mistake.py", A_MIGRATION_THAT_FAILS), "a migration failed"),
        ((f"{TRADING}/trading/app.py", "raise RuntimeError"), "trading-api-green ends again and again"),
    ],
)
async def test_a_version_that_does_not_come_up_is_taken_away_and_the_old_one_goes_on(
    platform: Platform,
    trader: Trader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mistake: tuple[str, str],
    why: str,
) -> None:
    monkeypatch.setattr(services, "ROOT", a_repository_with(tmp_path, mistake))
    stream = Stream(trader)
    trading = asyncio.create_task(stream.run())
    await stream.until_answered(3, trading)
    with pytest.raises(StackError, match=why):
        await asyncio.to_thread(releasing.release, platform.layout, NOW, anyway=True)
    assert services_that_run(platform) == {"blue": {"RUNNING"}}
    assert platform.layout.versions.live == "blue"
    await stream.until_answered(3, trading)
    stream.going = False
    await trading
    await account_for(platform, stream)
    assert (stream.refusals, stream.hung) == (0, [])


@pytest.mark.stack
@pytest.mark.timeout(400)
@pytest.mark.requirement("R-30")
async def test_a_release_and_the_way_back_turn_nobody_away(released: Platform, trader: Trader) -> None:
    stream, reader, listener = Stream(trader), Reader(trader), invariants.FaithfulListener(trader)
    listening, reading = asyncio.create_task(listener.listen()), asyncio.create_task(reader.read())
    trading = asyncio.create_task(stream.run())
    await stream.until_answered(3, trading)

    await a_release_that_is_cut_off(released, lambda: "green" in services_that_run(released))
    assert released.layout.versions.live == "blue", "before the switch"
    assert services_that_run(released)["blue"] == {"RUNNING"}
    await stream.until_answered(3, trading)

    await a_release_that_is_cut_off(released, lambda: released.layout.versions.is_leaving)
    assert released.layout.versions.live == "green", "after it, and the gateway still asks the old one"
    if released.layout.versions.is_leaving:
        await stream.until_answered(3, trading)
        await asyncio.to_thread(releasing.release, released.layout, NOW, anyway=True)
    assert services_that_run(released) == {"green": {"RUNNING"}}
    await stream.until_answered(3, trading)
    await asyncio.to_thread(releasing.roll_back, released.layout, NOW, anyway=True)
    assert services_that_run(released) == {"blue": {"RUNNING"}}
    await stream.until_answered(3, trading)

    stream.going = False
    await trading
    orders = await account_for(released, stream)
    await listener.until_told_of(orders)
    for task in (listening, reading):
        assert not task.done(), task.result()
        task.cancel()
    await asyncio.gather(listening, reading, return_exceptions=True)
    invariants.assert_the_stream_is_whole(listener)
    assert stream.refusals == 0
    assert set(reader.answers) == {200}, reader.answers
    assert listener.closed_with[-1] == SERVICE_RESTARTS, "whoever listens is told to come again"
