"""KIS's market stream: its budget, its frames that change their shape, and how it does not hurry when it is refused."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio
import websockets
from broker.adapters import stream
from broker.adapters.drift import Drifts
from broker.adapters.kis import ticks
from broker.adapters.kis.frames import Unreadable
from broker.adapters.kis.market_stream import SUBSCRIPTIONS_MAX, SYMBOLS_MAX
from broker.adapters.market_data import Depth, Heard, Level, Trade
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection, serve

from services.broker.tests.emulated import Emulated, emulated

SYMBOL = "005930"
PATIENCE_SECONDS = 60.0


@pytest_asyncio.fixture
async def kis() -> AsyncIterator[Emulated]:
    async with emulated("kis") as running:
        yield running


def asked_for(kis: Emulated) -> set[tuple[str, str]]:
    """What the emulator was asked to tell."""
    return {wanted for listener in kis.app.state.stream._listeners for wanted in listener.wanted}


async def test_the_first_of_too_many_symbols_are_followed_and_make_room_for_others(kis: Emulated) -> None:
    assert kis.kind.market_stream is not None
    following = kis.kind.market_stream(kis, lambda _: None)
    symbols = [f"{number:06d}" for number in range(SYMBOLS_MAX * 2)]
    task = asyncio.ensure_future(following.follow())
    try:
        for wanted in (symbols, symbols[::-1]):
            await following.want(wanted)
            expected = {(name, symbol) for name in ticks.FRAMES for symbol in wanted[:SYMBOLS_MAX]}
            assert len(expected) <= SUBSCRIPTIONS_MAX
            async with asyncio.timeout(PATIENCE_SECONDS):
                while asked_for(kis) != expected:  # noqa: ASYNC110 - the other side's state has no event
                    await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.requirement("R-27")
async def test_a_frame_of_the_market_that_has_grown_is_read_and_raises_the_alarm_once(
    kis: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms = Drifts()  # a process tells of a shape once: another test may have seen this one
    monkeypatch.setattr("broker.adapters.kis.market_stream.drifts", alarms)
    assert kis.kind.market_stream is not None
    heard: asyncio.Queue[Heard] = asyncio.Queue()
    following = kis.kind.market_stream(kis, heard.put_nowait)
    await following.want([SYMBOL])
    task = asyncio.ensure_future(following.follow())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while ("H0STASP0", SYMBOL) not in asked_for(kis):  # noqa: ASYNC110 - the other side's state has no event
                await asyncio.sleep(0.02)
        for _ in range(2):
            kis.faults.add("stream", "grown_frame")
            kis.quotes(ask="70200", ask_size="9")
            told = await asyncio.wait_for(heard.get(), PATIENCE_SECONDS)
            assert isinstance(told, Depth)
            assert told.asks == (Level(Decimal(70_200), Decimal(9)),)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    [alarm] = alarms.take()
    assert (alarm.frame, alarm.fields, alarm.before) == ("H0STASP0", 60, 59)


async def test_a_stream_that_is_refused_after_each_greeting_waits_longer_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "PAUSE_SECONDS_MIN", 0.01)

    async def refuses(line: ServerConnection) -> None:
        await line.send("no")

    async def greet(_: websockets.ClientConnection) -> None:
        """Say nothing."""

    async def hear(_: websockets.ClientConnection, frame: str | bytes) -> bool:
        raise Unreadable(str(frame))

    async with serve(refuses, "127.0.0.1", 0) as server:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with capture_logs() as logs:
            task = asyncio.ensure_future(stream.follow(address, greet, hear, asyncio.Event()))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(logs) < 4:  # noqa: ASYNC110 - a list of logs has no event
                    await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert [log["pause_seconds"] for log in logs[:4]] == [0.01, 0.02, 0.04, 0.08]


def a_trade(**changes: str) -> str:
    fields = dict.fromkeys(map(str, range(46)), "0") | {"0": SYMBOL, "1": "090001", "2": "70100", "12": "5"}
    return "^".join((fields | {"13": "105", "33": "20261102"} | changes).values())


def test_a_frame_may_hold_several_trades() -> None:
    told = ticks.ticks(f"0|H0STCNT0|002|{a_trade()}^{a_trade(**{'2': '70200', '13': '110'})}")
    assert (told.name, told.width) == ("H0STCNT0", 46)
    trades = [each for each in told.heard if isinstance(each, Trade)]
    assert [(each.price, each.quantity, each.day_volume) for each in trades] == [(70_100, 5, 105), (70_200, 5, 110)]


@pytest.mark.parametrize(
    "frame",
    [
        "0|H0STCNT0|001|005930^090001",
        f"0|H0STCNT0|003|{a_trade()}",
        f"0|H0STXXX0|001|{a_trade()}",
        f"1|H0STCNT0|001|{a_trade()}",
        "0|H0STCNT0|001|" + a_trade(**{"2": "many"}),
        "0|H0STCNT0|001|" + a_trade(**{"33": "0"}),
        "0|H0STASP0|001|005930^090001^0",
        "0|H0STCNT0",
    ],
)
def test_a_frame_that_cannot_be_read_is_said_to_be_so(frame: str) -> None:
    with pytest.raises(Unreadable):
        ticks.ticks(frame)
