"""Market data of every broker on a line that breaks: half a chart is none, what is turned away was not asked for."""

import asyncio
from decimal import Decimal

import pytest
from broker.adapters.market_data import Depth, Heard, Level
from broker.adapters.port import RateLimited, Unreachable
from emulators.faults import Fault

from services.broker.tests.emulated import KINDS, emulated

SHOWING = sorted(name for name, kind in KINDS.items() if kind.market_data is not None)
PATIENCE_SECONDS = 60.0


@pytest.mark.parametrize("fault", ["html", "reset_after", "server_error"])
@pytest.mark.parametrize("broker", SHOWING)
async def test_a_chart_that_breaks_off_is_no_chart_and_can_be_asked_for_again(broker: str, fault: Fault) -> None:
    async with emulated(broker) as running:
        assert running.kind.market_data is not None
        shown, today = running.kind.market_data(running), running.house.today()
        running.house.trade(running.kind.symbol, running.money("70300"), Decimal(5))
        await shown.last_price(running.kind.symbol)  # the token is there
        running.faults.add("*", fault)
        with pytest.raises(Unreachable):
            await shown.daily_bars(running.kind.symbol, today, today)
        [bar] = await shown.daily_bars(running.kind.symbol, today, today)  # type: ignore[misc]
        assert (bar.close, bar.volume) == (running.money("70300"), 5)


@pytest.mark.parametrize("broker", SHOWING)
async def test_a_question_that_the_limit_turns_away_was_not_asked(broker: str) -> None:
    async with emulated(broker) as running:
        assert running.kind.market_data is not None
        shown = running.kind.market_data(running)
        await shown.last_price(running.kind.symbol)
        running.faults.add("*", "rate_limit")
        with pytest.raises(RateLimited):
            await shown.depth(running.kind.symbol)


@pytest.mark.parametrize("broker", SHOWING)
async def test_a_frame_that_has_grown_is_read_all_the_same(broker: str) -> None:
    async with emulated(broker) as running:
        assert running.kind.market_stream is not None
        heard: asyncio.Queue[Heard] = asyncio.Queue()
        following = running.kind.market_stream(running, heard.put_nowait)
        await following.want([running.kind.symbol])
        task = asyncio.ensure_future(following.follow())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while heard.empty():
                    running.faults.clear()
                    running.faults.add("stream", "grown_frame")
                    running.quotes(ask="70200", ask_size="9")
                    await asyncio.sleep(0.05)
            told = heard.get_nowait()
            assert isinstance(told, Depth)
            assert told.asks[0] == Level(running.money("70200"), Decimal(9))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
