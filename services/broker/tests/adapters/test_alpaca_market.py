"""Alpaca's market data: pages, what cannot be read, and the rules of its stream."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from broker.adapters import stream
from broker.adapters.alpaca import market_data, quotations
from broker.adapters.alpaca.market_stream import SYMBOLS_MAX
from broker.adapters.market_data import Heard
from broker.adapters.port import Unreachable
from emulators.alpaca.market_stream import Listener
from emulators.alpaca.messagepack import pack, unpack
from emulators.tape import Day
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect

from services.broker.tests.emulated import Emulated, emulated

SYMBOL = "AAPL"
PATIENCE_SECONDS = 60.0
AUTH = {"action": "auth", "key": "PK1", "secret": "S"}


@pytest_asyncio.fixture
async def alpaca() -> AsyncIterator[Emulated]:
    async with emulated("alpaca") as running:
        yield running


async def test_a_chart_of_several_pages_is_whole(alpaca: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_data, "BARS_A_PAGE", 7)
    today, one = alpaca.house.today(), Decimal(1)
    days = [today - timedelta(days=back) for back in range(20, 0, -1)]
    alpaca.house.tape.days[SYMBOL] = [Day(day, one, one, one, one, Decimal(place)) for place, day in enumerate(days, 1)]
    assert alpaca.kind.market_data is not None
    bars = await alpaca.kind.market_data(alpaca).daily_bars(SYMBOL, days[0], today)
    assert [(bar.day, bar.volume) for bar in bars] == list(zip(days, range(1, 21), strict=True))  # type: ignore[union-attr]


@pytest.mark.parametrize("trade", [{"p": "many"}, {"t": "yesterday"}, {"p": None}])
def test_a_snapshot_that_cannot_be_read_is_no_price(alpaca_time: Any, trade: dict[str, Any]) -> None:
    whole = {"latestTrade": {"t": "2026-11-02T15:00:00.123456789Z", "p": 700.5, "s": 1} | trade}
    with pytest.raises(Unreachable):
        quotations.last_price(SYMBOL, whole, alpaca_time)


@pytest.fixture
def alpaca_time() -> Any:
    return quotations.moment("2026-11-02T16:00:00Z")


async def said(line: ClientConnection) -> dict[str, Any]:
    [message] = json.loads(await asyncio.wait_for(line.recv(), PATIENCE_SECONDS))
    return dict(message)


async def answers(alpaca: Emulated, *frames: dict[str, Any] | str, feed: str = "iex") -> list[Any]:
    """What the server says to each frame, after its greeting: a code of an error, or its word of success."""
    async with connect(alpaca.socket(f"/v2/{feed}"), proxy=None) as line:
        assert await said(line) == {"T": "success", "msg": "connected"}
        found = []
        for frame in frames:
            await line.send(frame if isinstance(frame, str) else json.dumps(frame))
            answer = await said(line)
            found.append(answer.get("code") or answer.get("msg") or answer)
        return found


async def test_the_stream_says_what_is_wrong_in_its_own_codes(alpaca: Emulated) -> None:
    alpaca.app.state.keys["PK1"] = "S"
    many = [f"A{chr(65 + place // 26)}{chr(65 + place % 26)}" for place in range(SYMBOLS_MAX + 1)]
    assert await answers(alpaca, {"action": "subscribe", "trades": [SYMBOL]}) == [401]
    assert await answers(alpaca, AUTH | {"secret": "wrong"}) == [402]
    assert await answers(alpaca, AUTH, AUTH) == ["authenticated", 403]
    assert await answers(alpaca, AUTH, {"action": "subscribe", "trades": many}) == ["authenticated", 405]
    assert await answers(alpaca, AUTH, "no json", {"action": "dance"}) == ["authenticated", 400, 400]
    [_, whole] = await answers(alpaca, AUTH, {"action": "subscribe", "trades": many}, feed="sip")
    assert (whole["T"], whole["trades"], whole["quotes"], whole["bars"]) == ("subscription", many, [], [])


async def test_a_client_that_asks_for_messagepack_gets_it_with_moments_that_are_no_text(alpaca: Emulated) -> None:
    headers = {"Content-Type": "application/msgpack"}
    async with connect(alpaca.socket("/v2/iex"), proxy=None, additional_headers=headers) as line:

        async def heard() -> bytes:
            told = await asyncio.wait_for(line.recv(), PATIENCE_SECONDS)
            assert isinstance(told, bytes)
            return told

        assert unpack(await heard()) == [{"T": "success", "msg": "connected"}]
        await line.send(b"\xc1")
        await line.send(pack(AUTH))
        assert unpack(await heard()) == [{"T": "error", "code": 401, "msg": "not authenticated"}]
    async with connect(alpaca.socket("/v2/iex"), proxy=None, additional_headers=headers) as line:
        await heard()
        await line.send(pack(AUTH))
        assert unpack(await heard()) == [{"T": "success", "msg": "authenticated"}]
        await line.send(pack({"action": "subscribe", "trades": [SYMBOL]}))
        [told] = unpack(await heard())
        assert (told["T"], told["trades"]) == ("subscription", [SYMBOL])
        alpaca.house.trade(SYMBOL, Decimal("701.5"), Decimal(3))
        trade = await heard()
        assert b"\xa1p\xcb" + struct.pack(">d", 701.5) in trade
        assert pack("t") + pack(alpaca.clock()) in trade


async def test_a_key_has_one_connection_to_a_feed_and_a_second_one_waits_longer_each_time(
    alpaca: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PAUSE_SECONDS_MIN", 0.01)
    heard: asyncio.Queue[Heard] = asyncio.Queue()
    assert alpaca.kind.market_stream is not None
    following = [alpaca.kind.market_stream(alpaca, heard.put_nowait) for _ in range(2)]
    listeners: set[Listener] = alpaca.app.state.market_stream.listeners
    first = asyncio.ensure_future(following[0].follow())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not listeners:  # noqa: ASYNC110 - the other side's state has no event
            await asyncio.sleep(0.01)
    with capture_logs() as logs:
        second = asyncio.ensure_future(following[1].follow())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(logs) < 3:  # noqa: ASYNC110 - a log has none either
                await asyncio.sleep(0.01)
        assert len(listeners) == 1
    for task in (first, second):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert [log["pause_seconds"] for log in logs[:3]] == [0.01, 0.02, 0.04]
