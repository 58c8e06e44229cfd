"""The conformance suite's part for market data: what a broker shows is what happened at its market."""

from datetime import timedelta
from decimal import Decimal

import pytest
from broker.adapters.daylist import No
from broker.adapters.market_data import DailyBar, LastPrice, Level, MarketData
from emulators.tape import Day

from services.broker.tests.conformance.cases import case
from services.broker.tests.conformance.venues import EmulatorVenue, Venue

SESSIONS = 130
MINUTES = 35


def at(venue: Venue) -> tuple[EmulatorVenue, MarketData, str]:
    """The venue, its market data, and the symbol that is listed there."""
    assert isinstance(venue, EmulatorVenue)
    kind = venue.emulated.kind
    assert kind.market_data is not None, "a broker that claims market data shows it here"
    return venue, kind.market_data(venue.emulated), kind.symbol


@case(lambda able: "quotes" in able.market_data)
async def test_bc_34_a_quote_is_the_newest_trade_and_the_day_so_far(venue: Venue) -> None:
    market, shown, symbol = at(venue)
    for price, quantity in (("70200", "30"), ("69900", "5"), ("70100", "12")):
        market.trades(price, quantity)
    base, first, last, lowest = (venue.price(won) for won in ("70000", "70200", "70100", "69900"))
    assert await shown.last_price(symbol) == LastPrice(symbol, last, Decimal(47), base, first, first, lowest)
    market.emulated.clock.passes(86_400)
    none, since = Decimal(0), last if market.emulated.kind.base_is_last_close else base
    assert await shown.last_price(symbol) == LastPrice(symbol, last, none, since, none, none, none)


@case(lambda able: "books" in able.market_data)
async def test_bc_35_a_book_shows_the_best_of_each_side_and_nothing_for_an_empty_one(venue: Venue) -> None:
    _, shown, symbol = at(venue)
    book = await shown.depth(symbol)
    assert not isinstance(book, No)
    assert book.bids[0] == Level(venue.price("70000"), Decimal(500))
    assert book.asks[0] == Level(venue.price("70100"), Decimal(420))
    await venue.quotes(ask="0", ask_size="0")
    assert (await shown.depth(symbol)).asks == ()  # type: ignore[union-attr]  # it was a book before


@case(lambda able: "daily_bars" in able.market_data)
@pytest.mark.parametrize("asked", [1, 99, 100, 101, SESSIONS])
async def test_bc_36_sessions_come_oldest_first_without_gap_or_double_over_pages(venue: Venue, asked: int) -> None:
    market, shown, symbol = at(venue)
    today = market.emulated.house.today()
    days = [today - timedelta(days=back) for back in range(SESSIONS, 0, -1)]
    low, high = (market.price(won) for won in ("69000", "71000"))
    past = [Day(day, low, high, low, high, Decimal(1_000 + place)) for place, day in enumerate(days)]
    market.emulated.house.tape.days[symbol] = past
    expected = [DailyBar(day, low, high, low, high, Decimal(1_000 + place)) for place, day in enumerate(days)]
    assert await shown.daily_bars(symbol, days[-asked], days[-1]) == expected[-asked:]


@case(lambda able: "minute_bars" in able.market_data)
async def test_bc_37_minutes_of_today_add_up_to_its_trades_over_pages(venue: Venue) -> None:
    market, shown, symbol = at(venue)
    market.trades("60000", "1")
    market.emulated.clock.passes(86_400)
    begins = market.emulated.clock()
    for _ in range(MINUTES):
        for price, quantity in (("70000", "3"), ("70300", "4"), ("69900", "5"), ("70100", "6")):
            market.trades(price, quantity)
        market.emulated.clock.passes(60)
    bars = await shown.minute_bars(symbol)
    assert not isinstance(bars, No)
    assert [bar.begins for bar in bars] == [begins + timedelta(minutes=minute) for minute in range(MINUTES)]
    won = tuple(venue.price(price) for price in ("70000", "70300", "69900", "70100"))
    assert {(bar.open, bar.high, bar.low, bar.close) for bar in bars} == {won}
    assert {bar.volume for bar in bars} == {Decimal(18)}


@case(lambda able: bool(able.market_data))
async def test_bc_38_a_symbol_the_broker_does_not_know_has_no_market_data(venue: Venue) -> None:
    market, shown, symbol = at(venue)
    await venue.loses_the_market()
    today = market.emulated.house.today()
    answers = [await shown.last_price(symbol), await shown.depth(symbol)]
    charts = [await shown.daily_bars(symbol, today, today), await shown.minute_bars(symbol)]
    assert [answer.reason for answer in [*answers, *charts] if isinstance(answer, No)] == ["unknown_symbol"] * 4
