"""Minutes of the past: from KIS and Alpaca as their emulators show them, into the store, judged and told of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from emulators.alpaca.server import create_app as alpaca_app
from emulators.kis.server import create_app as kis_app
from fastapi import FastAPI
from kit.db import Database
from market.config import Settings
from market.domain.minute import Minute
from market.pipelines.collect import NotYet
from market.pipelines.minutes import Minutes, NotSetUp, collect_minutes
from market.providers.catalogue import open_catalogue
from market.providers.failover import Failover
from market.store import minutes as store
from pydantic import SecretStr
from sqlalchemy import text

DAYS = {"KRX": date(2026, 11, 2), "US": date(2026, 11, 2)}
OPENS = {"KRX": datetime(2026, 11, 2, 0, 0, tzinfo=UTC), "US": datetime(2026, 11, 2, 14, 30, tzinfo=UTC)}
CLOSES = {"KRX": datetime(2026, 11, 2, 6, 30, tzinfo=UTC), "US": datetime(2026, 11, 2, 21, 0, tzinfo=UTC)}
TRADED = 150
"""Minutes in which something trades: several pages of KIS."""


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Place:
    """A market with an emulator that shows it, and our way to ask for its minutes."""

    market: Any
    symbol: str
    source: str
    scale: Decimal
    app: FastAPI
    clock: Clock
    database: Database
    failover: Failover
    asked: Minutes

    def trades(self, at: datetime, won: str, quantity: int = 3) -> None:
        self.clock.now = at
        self.app.state.house.trade(self.symbol, (Decimal(won) * self.scale).normalize(), Decimal(quantity))

    async def collects(self, after: timedelta = timedelta(hours=1)) -> dict[str, Any]:
        self.clock.now = CLOSES[self.market] + after
        day = DAYS[self.market]

        async def unheard(_: int, __: int) -> None:
            return

        return await collect_minutes(self.database, self.failover, self.asked, self.market, day, unheard)

    async def kept(self) -> list[Any]:
        asked = text("SELECT at, open, high, low, close, volume, source FROM minute_bars WHERE symbol = :s ORDER BY at")
        async with self.database.public() as session:
            return list(await session.execute(asked, {"s": self.symbol}))

    def a_minute(self, at: datetime, source: str) -> Minute:
        price = (Decimal(50_000) * self.scale).normalize()
        start = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        prices = (price, price, price, price)
        return Minute("bar:1m", self.symbol, self.market, start, *prices, 9, 9, closed=True, source=source)


@pytest_asyncio.fixture(params=["KRX", "US"])
async def place(
    request: pytest.FixtureRequest, settings: Settings, database: Database, served: Any, upload: Any, bars_csv: Any
) -> AsyncIterator[Place]:
    """The emulators of KIS (with real money, which alone shows the past) and of Alpaca."""
    market = request.param
    async with _opened(market, settings, database, served) as made:
        form = {"market": market, "board": "KOSPI" if market == "KRX" else "US"}
        prices = ",".join(
            f"{(Decimal(won) * made.scale).normalize():f}" for won in ("69900", "70300", "69900", "70100")
        )
        row = f"{DAYS[market]},{prices},1000,"
        assert (await upload({f"{made.symbol}.csv": bars_csv(row)}, **form)).status_code == 201
        yield made


@asynccontextmanager
async def _opened(market: Any, settings: Settings, database: Database, served: Any) -> AsyncIterator[Place]:
    clock, in_korea = Clock(OPENS[market]), market == "KRX"
    app = kis_app("real", clock) if in_korea else alpaca_app(clock)
    symbol, scale = ("005930", Decimal(1)) if in_korea else ("AAPL", Decimal("0.01"))
    app.state.house.list_symbol(symbol, (Decimal(70_000) * scale).normalize())
    if in_korea:
        app.state.gate.calls_per_second = 1_000_000

    async def sleep(_: float) -> None:
        return

    async with served(app) as host:
        secret = SecretStr("S")
        keys = dict.fromkeys(("kis_key", "kis_secret", "alpaca_key", "alpaca_secret"), secret)
        addresses = {"kis_url": f"http://{host}", "alpaca_url": f"http://{host}"}
        source = "kis" if in_korea else "alpaca"
        changed = settings.model_copy(update={"minute_sources": (source,)} | keys | addresses)
        catalogue = open_catalogue(changed, clock, sleep)
        try:
            failover = Failover(catalogue.providers, clock)
            asked = Minutes(catalogue.minutes, [symbol])
            name = catalogue.minutes[0].source
            yield Place(market, symbol, name, scale, app, clock, database, failover, asked)
        finally:
            await catalogue.close()


def a_day(place: Place) -> list[datetime]:
    begins = [OPENS[place.market] + timedelta(minutes=minute) for minute in range(TRADED)]
    for at in begins:
        for won in ("70000", "70300", "69900", "70100"):
            place.trades(at, won)
    return begins


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=3)])
async def test_the_minutes_of_a_day_are_stored_as_they_traded_with_their_source(place: Place, later: timedelta) -> None:
    place.trades(OPENS[place.market] - timedelta(hours=1), "70000")
    begins = a_day(place)
    place.trades(CLOSES[place.market] + timedelta(minutes=30), "70000")
    report = await place.collects(later)
    kept = await place.kept()
    assert [row.at for row in kept] == begins
    prices = {tuple((Decimal(won) * place.scale) for won in ("70000", "70300", "69900", "70100"))}
    assert {(row.open, row.high, row.low, row.close) for row in kept} == prices
    assert {(row.volume, row.source) for row in kept} == {(12, place.source)}
    assert (report["symbols"], report["told"], report["stored"]) == (1, TRADED, TRADED)
    assert report["left_out"] == {"outside_session": 2}
    assert (report["sources"], report["beyond_day"], report["missing_count"]) == ({place.source: TRADED}, [], 0)


async def test_a_minute_that_is_not_over_is_left_for_later_and_none_is_announced(place: Place) -> None:
    begins = a_day(place)
    place.clock.now = begins[-1] + timedelta(seconds=59)

    async def unheard(_: int, __: int) -> None:
        return

    day = DAYS[place.market]
    report = await collect_minutes(place.database, place.failover, place.asked, place.market, day, unheard)
    assert (report["stored"], report["left_out"]) == (TRADED - 1, {"unfinished": 1})
    assert (await place.collects())["stored"] == 1
    assert (await place.collects())["stored"] == 0
    async with place.database.system() as session:
        closed = text("SELECT count(*) FROM events WHERE type = 'market.bar.closed.v1'")
        assert await session.scalar(closed) == 0


async def test_what_came_in_live_stays_and_what_was_replayed_gives_way(place: Place) -> None:
    begins = a_day(place)
    async with place.database.system() as session:
        await store.save(session, [place.a_minute(begins[0], "live"), place.a_minute(begins[1], "replay")])
    await place.collects()
    kept = await place.kept()
    assert [(row.source, row.volume) for row in kept[:3]] == [("live", 9), (place.source, 12), (place.source, 12)]


async def test_minutes_of_whatever_came_in_live_that_day_are_collected_unasked(place: Place) -> None:
    begins = a_day(place)
    place.asked = Minutes(place.asked.providers, ())
    with pytest.raises(NotSetUp, match="MARKET_MINUTE_SYMBOLS"):
        await place.collects()
    async with place.database.system() as session:
        await store.save(session, [place.a_minute(begins[0], "live")])
    assert (await place.collects())["stored"] == TRADED - 1


async def test_minutes_that_leave_the_range_of_their_day_are_named(place: Place) -> None:
    place.trades(OPENS[place.market], "71000")
    assert (await place.collects())["beyond_day"] == [place.symbol]


async def test_a_hundredfold_price_makes_the_whole_answer_unbelievable(place: Place) -> None:
    a_day(place)
    place.trades(OPENS[place.market] + timedelta(hours=3), "7000000")
    with pytest.raises(NotYet, match="middle of the day"):
        await place.collects()
    assert await place.kept() == []


async def test_without_a_source_of_a_markets_minutes_the_setting_is_named(place: Place) -> None:
    place.asked = Minutes((), [place.symbol])
    with pytest.raises(NotSetUp, match="MARKET_MINUTE_SOURCES"):
        await place.collects()


@pytest.mark.parametrize("place", ["KRX"], indirect=True)  # Alpaca shows nothing of it, as of one that did not trade
async def test_a_symbol_that_the_source_does_not_know_is_missing_and_told(place: Place) -> None:
    place.app.state.house.exchanges.clear()
    with pytest.raises(NotYet, match="knows no 005930"):
        await place.collects()
