"""The conformance suite's part for market streams: what trades is told while it is wanted, over every lost line."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

from broker.adapters.market_data import Depth, Heard, Level, MarketStream, Trade

from services.broker.tests.conformance.cases import case
from services.broker.tests.conformance.venues import EmulatorVenue, Venue

PATIENCE_SECONDS = 60.0
OTHERS = {"KRX": "000660", "US": "MSFT"}


class Ear:
    """A stream that is followed, and all that it told."""

    def __init__(self, venue: EmulatorVenue) -> None:
        opens = venue.emulated.kind.market_stream
        assert opens is not None, "a broker that claims a market stream has one here"
        self.heard: asyncio.Queue[Heard] = asyncio.Queue()
        self.stream: MarketStream = opens(venue.emulated, self.heard.put_nowait)

    async def first(self, wanted: Callable[[Heard], bool]) -> Heard:
        """The first of its kind; what came before it is passed over."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted(heard := await self.heard.get()):
                pass
        return heard

    async def trade(self, price: Decimal) -> Trade:
        heard = await self.first(lambda each: isinstance(each, Trade) and each.price == price)
        assert isinstance(heard, Trade)
        return heard

    async def knocks(self, happen: Callable[[], None]) -> None:
        """Make something happen until it is heard: from then on the symbol is followed."""
        while not self.heard.empty():
            self.heard.get_nowait()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.heard.empty():
                happen()
                await asyncio.sleep(0.05)


@asynccontextmanager
async def listening(venue: Venue) -> AsyncIterator[tuple[EmulatorVenue, Ear]]:
    assert isinstance(venue, EmulatorVenue)
    ear = Ear(venue)
    await ear.stream.want([venue.emulated.kind.symbol])
    following = asyncio.ensure_future(ear.stream.follow())
    try:
        await ear.knocks(lambda: venue.trades("70000", "1"))
        yield venue, ear
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@case(lambda able: "live_trades" in able.market_data)
async def test_bc_39_what_trades_is_told_with_the_days_volume_where_the_broker_says_it(venue: Venue) -> None:
    async with listening(venue) as (market, ear):
        symbol, house = market.emulated.kind.symbol, market.emulated.house
        market.trades("70200", "7")
        volume = house.tape.volume(symbol, house.today())
        told = await ear.trade(venue.price("70200"))
        said = volume if market.emulated.kind.tells_day_volume else None
        assert told == Trade(symbol, venue.moment(), venue.price("70200"), Decimal(7), said)


@case(lambda able: "live_books" in able.market_data)
async def test_bc_40_a_book_that_moves_is_told(venue: Venue) -> None:
    async with listening(venue) as (market, ear):
        best = Level(venue.price("70300"), Decimal(33))
        await venue.quotes(ask="70300", ask_size="33")
        told = await ear.first(lambda each: isinstance(each, Depth) and each.asks[:1] == (best,))
        assert isinstance(told, Depth)
        assert told.symbol == market.emulated.kind.symbol
        assert told.bids[0] == Level(venue.price("70000"), Decimal(500))


@case(lambda able: "live_trades" in able.market_data)
async def test_bc_41_what_is_wanted_no_more_is_told_no_more(venue: Venue) -> None:
    async with listening(venue) as (market, ear):
        house, symbol = market.emulated.house, market.emulated.kind.symbol
        [other] = [OTHERS[name] for name in venue.able.markets]
        house.list_symbol(other, venue.price("70000"))
        await ear.stream.want([other])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while other not in {heard.symbol for heard in _taken(ear)}:
                house.trade(other, venue.price("70000"), Decimal(1))
                await asyncio.sleep(0.05)
        market.trades("70400", "1")
        house.trade(other, venue.price("70500"), Decimal(1))
        told = await ear.first(
            lambda each: isinstance(each, Trade) and each.price in {venue.price("70400"), venue.price("70500")}
        )
        assert told.symbol == other
        assert symbol not in {heard.symbol for heard in _taken(ear)}


@case(lambda able: "live_trades" in able.market_data)
async def test_bc_42_a_line_that_is_lost_begins_again_with_all_that_is_wanted(venue: Venue) -> None:
    async with listening(venue) as (market, ear):
        market.emulated.app.state.stream.hang_up()
        await ear.knocks(lambda: market.trades("70600", "1"))
        await ear.trade(venue.price("70600"))


def _taken(ear: Ear) -> list[Heard]:
    return [ear.heard.get_nowait() for _ in range(ear.heard.qsize())]
