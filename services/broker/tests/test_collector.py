"""The collector at KIS's emulator: what trades there is told, over every gap, by one worker and within its budget."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from broker import collector, wishes
from broker.adapters import stream
from broker.adapters.kis.market_stream import SYMBOLS_MAX
from broker.adapters.market_data import Feed
from broker.alone import run_alone
from broker.collector import Collector
from broker.config import Settings
from broker.resources import open_collectors, open_desk
from broker.wishes import Wishes
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.tasks import ended
from prometheus_client import REGISTRY
from pydantic import SecretStr
from redis.asyncio import Redis
from structlog.testing import capture_logs

from services.broker.tests.emulated import Emulated, emulated

SYMBOL, OTHER = "005930", "000660"
PATIENCE_SECONDS = 60.0
QUIET_SECONDS = 0.3
Told = dict[str, Any]


@pytest_asyncio.fixture
async def kis() -> AsyncIterator[Emulated]:
    async with emulated("kis") as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels that no other test hears: the test Redis is shared."""
    monkeypatch.setattr(wishes, "WANTED", f"feed.wanted.{new_id()}")
    monkeypatch.setattr(collector, "TOLD", f"feed.told.{new_id()}")
    monkeypatch.setattr(collector, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(collector, "REPEAT_SECONDS", 0.02)
    monkeypatch.setattr(collector, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(stream, "PAUSE_SECONDS_MIN", 0.05)


@pytest_asyncio.fixture
async def ear(redis: "Redis") -> AsyncIterator["Ear"]:
    async with redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(collector.TOLD)
        yield Ear(channel)


class Ear:
    """Hears what the feed tells."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    async def first(self, wanted: Callable[[Told], bool]) -> Told:
        """The first of its kind; what came before it is passed over."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self._channel.get_message(timeout=1.0)
                if message is not None and wanted(told := json.loads(message["data"])):
                    return dict(told)

    async def nothing_more(self) -> None:
        """Return when nothing has been told for many times the pause between two repetitions."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._channel.get_message(timeout=QUIET_SECONDS) is not None:
                pass


async def nothing_ordered() -> Collection[str]:
    return ()


def a_collector(kis: Emulated, redis: "Redis", *pinned: str) -> Collector:
    data, opens = kis.kind.market_data, kis.kind.market_stream
    assert data is not None
    assert opens is not None
    feed = Feed("kis", "KRX", data(kis), lambda hear: opens(kis, hear))
    return Collector(feed, Wishes(redis, "KRX", kis.clock, pinned=pinned, ordered=nothing_ordered), redis, kis.clock)


@asynccontextmanager
async def collecting(kis: Emulated, redis: "Redis", *pinned: str) -> AsyncIterator[Collector]:
    running = a_collector(kis, redis, *pinned)
    task = asyncio.ensure_future(running.run())
    try:
        yield running
    finally:
        await ended(task)


def listeners(kis: Emulated) -> list[Any]:
    return list(kis.app.state.stream._listeners)


def asked_for(kis: Emulated) -> set[str]:
    """The symbols whose trades and books the emulator was asked to tell."""
    wanted = {pair for listener in listeners(kis) for pair in listener.wanted}
    return {symbol for name, symbol in wanted if name == "H0STCNT0" and ("H0STASP0", symbol) in wanted}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the other side's state has no event
            await asyncio.sleep(0.02)


async def settled(kis: Emulated, running: Collector, *symbols: str) -> None:
    """Return when exactly these are followed, and were asked for since the line began."""
    stream = running._stream
    await until(lambda: asked_for(kis) == set(running._standing) == set(symbols) and not stream.begun.is_set())


async def test_a_symbol_is_told_as_it_stands_and_then_as_it_trades(kis: Emulated, redis: "Redis", ear: Ear) -> None:
    kis.house.trade(SYMBOL, Decimal(70_300), Decimal(40))
    async with collecting(kis, redis, SYMBOL) as running:
        first = await ear.first(lambda told: told["with_book"])
        assert first == {
            "source": "kis",
            "market": "KRX",
            "symbol": SYMBOL,
            "price": "70300",
            "base_price": "70000",
            "open": "70300",
            "high": "70300",
            "low": "70300",
            "volume": 40,
            "traded": 0,
            "bids": [{"price": "70000", "quantity": "500"}],
            "asks": [{"price": "70100", "quantity": "420"}],
            "with_book": True,
        }
        await settled(kis, running, SYMBOL)
        kis.house.trade(SYMBOL, Decimal(69_900), Decimal(2))
        told = await ear.first(lambda told: told["traded"] == 2)
        assert (told["price"], told["volume"]) == ("69900", 42)
        assert (told["open"], told["high"], told["low"]) == ("70300", "70300", "69900")
        kis.quotes(ask="70200", ask_size="9")
        told = await ear.first(lambda told: told["with_book"] and told["asks"][0]["price"] == "70200")
        assert told["asks"] == [{"price": "70200", "quantity": "9"}]


async def test_a_trade_that_is_told_twice_is_told_on_once(kis: Emulated, redis: "Redis", ear: Ear) -> None:
    async with collecting(kis, redis, SYMBOL) as running:
        await ear.first(lambda told: told["with_book"])
        await settled(kis, running, SYMBOL)
        kis.house.trade(SYMBOL, Decimal(70_100), Decimal(3))
        await ear.first(lambda told: told["traded"] == 3)
        again = running._standing[SYMBOL].day
        [tick] = kis.house.tape.of(SYMBOL, kis.house.today())
        kis.app.state.stream.print(kis.house, SYMBOL, tick)
        kis.house.trade(SYMBOL, Decimal(70_200), Decimal(5))
        told = await ear.first(lambda told: told["traded"] > 0)
        assert (told["traded"], told["volume"], again.day_volume) == (5, 8, 3)


@pytest.mark.requirement("R-24")
async def test_what_traded_while_the_line_was_lost_is_asked_for(kis: Emulated, redis: "Redis", ear: Ear) -> None:
    async with collecting(kis, redis, SYMBOL) as running:
        await ear.first(lambda told: told["with_book"])
        await settled(kis, running, SYMBOL)
        kis.app.state.stream.hang_up()
        kis.house.trade(SYMBOL, Decimal(71_000), Decimal(11))
        told = await ear.first(lambda told: told["volume"] == 11)
        assert (told["price"], told["traded"], told["with_book"]) == ("71000", 0, True)


async def test_in_session_prices_are_told_again_while_the_line_is_open_and_never_while_it_is_lost(
    kis: Emulated, redis: "Redis", ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with collecting(kis, redis, SYMBOL) as running:
        await ear.first(lambda told: told["with_book"])
        for _ in range(3):
            told = await ear.first(lambda told: not told["with_book"])
            assert (told["price"], told["traded"]) == ("70000", 0)
        monkeypatch.setattr(stream, "PAUSE_SECONDS_MIN", 600.0)  # it stays lost
        await settled(kis, running, SYMBOL)
        kis.house.trade(SYMBOL, Decimal(70_100), Decimal(1))
        await ear.first(lambda told: told["traded"] == 1)
        kis.app.state.stream.hang_up()
        await until(lambda: not running._stream.is_open)
        await ear.nothing_more()


async def test_after_the_close_prices_are_told_once_and_not_again(kis: Emulated, redis: "Redis", ear: Ear) -> None:
    kis.clock.passes(8 * 3_600)
    async with collecting(kis, redis, SYMBOL) as running:
        await ear.first(lambda told: told["with_book"])
        await settled(kis, running, SYMBOL)
        await ear.nothing_more()


async def test_when_the_session_begins_everything_is_asked_for_anew(kis: Emulated, redis: "Redis", ear: Ear) -> None:
    kis.house.trade(SYMBOL, Decimal(70_300), Decimal(40))
    kis.clock.passes(22 * 3_600)  # 08:00 on the next day
    async with collecting(kis, redis, SYMBOL) as running:
        await ear.first(lambda told: told["with_book"])
        await settled(kis, running, SYMBOL)
        kis.house.list_symbol(SYMBOL, Decimal(70_300))
        kis.clock.passes(3_600)
        told = await ear.first(lambda told: told["base_price"] == "70300")
        assert (told["volume"], told["open"]) == (0, "0")


async def test_one_key_follows_no_more_than_it_may_and_says_how_many_are_left_out(
    kis: Emulated, redis: "Redis"
) -> None:
    many = [f"{number:06d}" for number in range(1, SYMBOLS_MAX + 6)]
    for symbol in many:
        kis.house.list_symbol(symbol, Decimal(10_000))
    with capture_logs() as logs:
        async with collecting(kis, redis, *many):
            await until(lambda: asked_for(kis) == set(many[:SYMBOLS_MAX]))
            await until(lambda: REGISTRY.get_sample_value("feed_symbols_followed", {"source": "kis"}) == SYMBOLS_MAX)
            assert REGISTRY.get_sample_value("feed_symbols_left_out", {"source": "kis"}) == 5
    said = [log for log in logs if log["event"] == "more is wanted than one key may follow"]
    assert [(log["most"], log["left_out"]) for log in said] == [(SYMBOLS_MAX, many[SYMBOLS_MAX:])]


async def test_what_people_watch_is_followed_while_they_watch_it(kis: Emulated, redis: "Redis") -> None:
    kis.house.list_symbol(OTHER, Decimal(10_000))
    wish = json.dumps({"process": "one", "watched": {OTHER: 2, "AAPL": 9, "KOSPI": 9}})
    async with collecting(kis, redis, SYMBOL):

        async def wishes_until(symbols: set[str]) -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while asked_for(kis) != symbols:
                    await redis.publish(wishes.WANTED, wish)
                    await asyncio.sleep(0.02)

        await wishes_until({SYMBOL, OTHER})
        async with asyncio.timeout(PATIENCE_SECONDS):
            while asked_for(kis) != {SYMBOL}:
                kis.clock.passes(11)  # more than once: a wish may still be on its way
                await asyncio.sleep(0.02)


async def test_the_operators_symbols_come_before_open_orders_and_those_before_what_people_watch(
    kis: Emulated, redis: "Redis"
) -> None:
    async def ordered() -> Collection[str]:
        return {"000200", "000100", "AAPL"}

    heard = Wishes(redis, "KRX", kis.clock, pinned=("000300",), ordered=ordered)
    for wish in (
        {"process": "one", "watched": {"000500": 1, "000600": 1}},
        {"process": "two", "watched": {"000400": 2}},
    ):
        heard._take(json.dumps(wish))
    heard._take("not a wish")
    assert await heard.ranked(["000600"]) == ["000300", "000100", "000200", "000400", "000600", "000500"]


async def test_a_symbol_the_broker_does_not_know_is_asked_for_once_and_never_subscribed(
    kis: Emulated, redis: "Redis", ear: Ear
) -> None:
    async with collecting(kis, redis, "999999", SYMBOL) as running:
        await settled(kis, running, SYMBOL)
        for _ in range(5):
            await ear.first(lambda told: not told["with_book"])
    asked = [fields["FID_INPUT_ISCD"] for call, fields in kis.app.state.calls if call == "inquire-price"]
    assert asked.count("999999") == 1


@pytest.mark.requirement("R-24")
async def test_a_line_that_is_open_and_does_not_tell_what_trades_is_begun_again(
    kis: Emulated, redis: "Redis", ear: Ear
) -> None:
    async with collecting(kis, redis, SYMBOL) as running:
        await ear.first(lambda told: told["with_book"])
        await settled(kis, running, SYMBOL)
        kis.app.state.stream._listeners.clear()  # the other side has forgotten us, and says nothing of it
        kis.house.trade(SYMBOL, Decimal(70_700), Decimal(6))
        kis.clock.passes(21)
        told = await ear.first(lambda told: told["volume"] == 6)
        assert (told["price"], told["with_book"]) == ("70700", True)
        await settled(kis, running, SYMBOL)


async def test_a_line_on_which_nothing_trades_is_left_alone(kis: Emulated, redis: "Redis", ear: Ear) -> None:
    def times_asked() -> int:
        return sum(call == "inquire-price" for call, _ in kis.app.state.calls)

    async with collecting(kis, redis, SYMBOL) as running:
        await ear.first(lambda told: told["with_book"])
        await settled(kis, running, SYMBOL)
        before, asked = listeners(kis), times_asked()
        kis.clock.passes(21)
        await until(lambda: times_asked() == asked + 1)
        await ear.first(lambda told: not told["with_book"])
        assert listeners(kis) == before


@pytest.mark.requirement("R-28")
async def test_one_worker_collects_at_a_time_and_another_takes_over(
    kis: Emulated, redis: "Redis", fresh: TestDatabase, ear: Ear
) -> None:
    name = f"broker:feed:{new_id()}"

    def worker() -> "asyncio.Future[None]":
        return asyncio.ensure_future(run_alone(fresh.system_url, name, a_collector(kis, redis, SYMBOL).run))

    workers = [worker()]
    try:
        await until(lambda: asked_for(kis) == {SYMBOL})
        [before] = listeners(kis)
        workers.append(worker())
        for _ in range(5):
            await ear.first(lambda told: not told["with_book"])
        assert listeners(kis) == [before]
        await ended(workers[0])
        await until(lambda: asked_for(kis) == {SYMBOL} and before not in listeners(kis))
        assert len(listeners(kis)) == 1
    finally:
        await ended(*workers)


@pytest_asyncio.fixture
async def configured(kis: Emulated, settings: Settings, tmp_path: Path) -> Settings:
    """Settings of an operator who has named KIS, and given a key."""
    brokers = tmp_path / "brokers.yaml"
    line = {"rest": kis.address, "stream": kis.socket("/tryitout"), "calls_per_second": 20}
    brokers.write_text(json.dumps({"kis": {"paper": line}}))
    key = {"feed_broker": "kis", "feed_key": SecretStr("K" * 36), "feed_secret": SecretStr("S" * 180)}
    return settings.model_copy(update={"brokers_file": brokers, "feed_symbols": (SYMBOL,)} | key)


async def test_whose_market_comes_in_is_the_operators_choice(
    kis: Emulated, configured: Settings, settings: Settings, ear: Ear
) -> None:
    async with open_desk(settings, kis.clock) as desk, open_collectors(settings, desk) as nobodys:
        assert nobodys == []
    async with open_desk(configured, kis.clock) as desk, open_collectors(configured, desk) as [running]:
        task = asyncio.ensure_future(running.run())
        try:
            assert (await ear.first(lambda told: told["with_book"]))["symbol"] == SYMBOL
            await settled(kis, running, SYMBOL)
        finally:
            await ended(task)


async def test_the_united_states_come_in_beside_korea_with_a_source_that_says_whose_volume_it_is(
    kis: Emulated, configured: Settings, ear: Ear
) -> None:
    async with emulated("alpaca") as alpaca:
        korea = {"rest": kis.address, "stream": kis.socket("/tryitout"), "calls_per_second": 20}
        america = {"rest": "http://127.0.0.1:9", "data": alpaca.address, "data_stream": alpaca.socket("/v2/iex")}
        america |= {"calls_per_second": 20}
        configured.brokers_file.write_text(json.dumps({"kis": {"paper": korea}, "alpaca": {"paper": america}}))
        keys = {"us_feed_key": SecretStr("PK" + "F" * 18), "us_feed_secret": SecretStr("F" * 40)}
        both = configured.model_copy(update={"us_feed_broker": "alpaca", "us_feed_symbols": ("AAPL",)} | keys)
        async with open_desk(both, alpaca.clock) as desk, open_collectors(both, desk) as collectors:
            assert [each.market for each in collectors] == ["KRX", "US"]
            task = asyncio.ensure_future(collectors[1].run())
            try:
                shown = await ear.first(lambda told: told["market"] == "US" and told["with_book"])
                assert (shown["source"], shown["symbol"], shown["price"]) == ("alpaca_iex", "AAPL", "700")
                listeners = alpaca.app.state.market_stream.listeners
                await until(lambda: any("AAPL" in each.wanted["trades"] for each in listeners))
                alpaca.house.trade("AAPL", Decimal("700.37"), Decimal(12))
                told = await ear.first(lambda told: told["traded"] == 12)
                assert (told["price"], told["volume"], told["bids"][0]["price"]) == ("700.37", 12, "700")
            finally:
                await ended(task)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"feed_secret": None}, "feed_broker needs feed_key and feed_secret"),
        ({"feed_environment": "real"}, "this process knows no real stream of kis"),
        ({"us_feed_broker": "alpaca"}, "us_feed_broker needs us_feed_key and us_feed_secret"),
    ],
)
async def test_a_feed_without_a_key_or_of_an_environment_that_is_not_allowed_is_refused_at_start(
    configured: Settings, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Settings(**configured.model_dump() | changes)
