"""Processes whose clock jumps by ten minutes, forward and back: what is due is done once, and by the right date."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from kit.testing.tokens import Tokens
from sqlalchemy import text
from trading.config import Settings

from services.trading.tests.builders import NOW
from services.trading.tests.desk import Desk
from tools.native import packages
from tools.native.errors import PackagesMissing

SCRIPT = Path(__file__).parent / "clocked_worker.py"
ANSWER, ANSWER_SECONDS_MAX = b"> ", 90
JUMP = timedelta(minutes=10)
TRADED, SETTLES = NOW.date(), date(2026, 11, 24)
BEFORE_MIDNIGHT_IN_SEOUL = datetime(2026, 11, 23, 14, 55, tzinfo=UTC)
SECRETS = ("database_url", "system_database_url", "amqp_url", "redis_url", "service_secret")
ADDRESSES = ("jwks_url", "market_url", "auth_url")
AUTOMATION = text(
    """
    INSERT INTO automations (owner_id, id, account_id, name, market, currency, symbols, mode, capital, positions_max,
                             answer_seconds, interval, weekdays, cool_off_minutes, status, created_at, changed_at)
    VALUES (:owner, :id, :account, 'RSI', 'KRX', 'KRW', '{005930}', 'notify', 1000000, 1, 60, '1d',
            '{1,2,3,4,5,6,7}', 0, 'running', :at, :at)
    """
)

pytestmark = pytest.mark.requirement("R-11", "R-26")


@dataclass
class Clocked:
    """A worker, and the file that says how wrong its clock is."""

    process: asyncio.subprocess.Process
    offset: Path

    def jumps_to(self, moment: datetime) -> None:
        """Let its clock show a moment from now on."""
        self.offset.write_text(f"{(moment - now()).total_seconds():+.0f}")

    def is_off_by(self, difference: timedelta) -> None:
        self.jumps_to(now() + difference)

    async def does(self, what: str, argument: str = "") -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None  # noqa: PT018 - both are pipes
        self.process.stdin.write(f"{what} {argument}\n".encode())
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while not (line := await self.process.stdout.readline()).startswith(ANSWER):
                assert line, "it has ended"  # any other line is of its log
        return json.loads(line.removeprefix(ANSWER))


Starts = Callable[[str], Awaitable[Clocked]]


@pytest_asyncio.fixture
async def starts(settings: Settings, tokens: Tokens, tmp_path: Path) -> AsyncIterator[Starts]:
    """`await starts("a name")`: one more worker on the test's own database."""
    try:
        library = packages.ensure_clock()
    except PackagesMissing as missing:
        pytest.skip(f"needs the package {packages.CLOCK}: {missing}")
    async with AsyncExitStack() as running:

        async def start(name: str) -> Clocked:
            offset = tmp_path / name
            offset.write_text("+0")
            return await running.enter_async_context(_worker(settings, tokens, library, offset))

        yield start


@asynccontextmanager
async def _worker(settings: Settings, tokens: Tokens, library: Path, offset: Path) -> AsyncIterator[Clocked]:
    environment = {f"TRADING_{name.upper()}": getattr(settings, name).get_secret_value() for name in SECRETS}
    environment |= {
        f"TRADING_{name.upper()}": getattr(settings, name) for name in ("jwks_url", "market_url", "auth_url")
    }
    environment |= {"TRADING_ENVIRONMENT": "test", "TRADING_HTTP_PORT": "1", "TRADING_WORKER_PORT": "1"}
    environment |= {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    key = tokens.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    environment |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC", "TOKEN_KEY": key.decode()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        yield Clocked(process, offset)
    finally:
        process.kill()
        await process.wait()


async def test_money_settles_once_on_its_date_however_often_the_clock_passes_midnight(
    starts: Starts, database: Database
) -> None:
    desk = await Desk.open(database)
    order = await desk.places()
    await desk.fills(order, trade_date=TRADED, settlement_date=SETTLES)
    worker = await starts("a worker")
    settled = []
    for moment in (
        BEFORE_MIDNIGHT_IN_SEOUL,
        BEFORE_MIDNIGHT_IN_SEOUL + JUMP,
        BEFORE_MIDNIGHT_IN_SEOUL - JUMP,
        BEFORE_MIDNIGHT_IN_SEOUL + 2 * JUMP,
    ):
        worker.jumps_to(moment)
        assert await worker.does("settle") is True, "a run that began in the future is no reason to wait"
        settled.append((await desk.balance()).settled)
    paid = Decimal(10_000_000 - 561_084)
    assert settled == [Decimal(10_000_000), paid, paid, paid]
    await desk.proves()


async def test_appointments_of_two_workers_are_written_down_once_whatever_their_clocks_say(
    starts: Starts, database: Database
) -> None:
    workers = [await starts(name) for name in ("one", "another")]
    desk = await Desk.open(database)
    at_work = {"owner": desk.owner, "id": new_id(), "account": desk.account_id, "at": NOW}
    async with database.owned(desk.owner) as session:
        await session.execute(AUTOMATION, at_work)
    for offsets in ((10, 0), (-10, 0), (-10, 10), (10, -10), (0, 0)):
        for worker, minutes in zip(workers, offsets, strict=True):
            worker.jumps_to(datetime(2026, 11, 23, 6, 40, tzinfo=UTC) + timedelta(minutes=minutes))
        await asyncio.gather(*(worker.does("keep") for worker in workers))
    async with database.system() as session:
        runs = await session.scalars(text("SELECT phase FROM automation_runs ORDER BY phase"))
        assert list(runs) == ["prepare", "tidy"]


async def test_a_token_is_refused_and_nothing_breaks_where_the_clock_is_wrong(starts: Starts, tokens: Tokens) -> None:
    worker, token = await starts("a worker"), tokens.for_user(new_id())
    seen = {}
    for minutes in (0, 10, -10, 0):
        worker.is_off_by(timedelta(minutes=minutes) + timedelta(seconds=10 if minutes > 0 else 0))
        seen[minutes] = await worker.does("verify", token)
    assert seen == {0: "accepted", 10: "token_expired", -10: "token_invalid"}
    assert datetime.fromisoformat(await worker.does("now")) - now() < timedelta(seconds=5)
