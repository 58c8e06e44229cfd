"""The collector: brings a broker's market to the platform, over the one connection that the operator's key may have.

What it learns goes out whole each time, over `feed.told`; market says who the instrument is, and makes quotes of it.
In session every symbol is told again each second while the line is open, which is what keeps its quote from growing
old; a line that is lost, or open and silent, is told of by nobody, and orders are then refused as they should be.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import structlog
from kit.json import dumps_text
from prometheus_client import Counter, Gauge
from quant.markets.calendar import NEW_YORK, SEOUL, is_session, session_hours
from quant.markets.listing import Market
from redis.asyncio import Redis
from redis.exceptions import RedisError

from broker.adapters.daylist import No
from broker.adapters.market_data import Depth, Feed, Heard, Level, Trade
from broker.adapters.port import LineFailure
from broker.adapters.standing import Standing
from broker.tasks import stop_if_cancelled
from broker.wishes import Wishes

TOLD: Final = "feed.told"
LOOK_SECONDS: Final = 1.0
REPEAT_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0
SILENCE: Final = timedelta(seconds=20)
"""Of a whole line in session. Then it is asked over the other line whether anything has traded."""
UNKNOWN_FOR: Final = timedelta(minutes=10)
"""How long a symbol that the broker does not know is not asked for again."""
WAITING_MAX: Final = 10_000
NOTHING: Final = Decimal(0)

followed_now = Gauge("feed_symbols_followed", "Symbols whose prices come in live", ["source"])
left_out_now = Gauge("feed_symbols_left_out", "Symbols that are wanted and beyond what one key may follow", ["source"])
lines_hung_up = Counter("feed_lines_hung_up_total", "Lines of a feed that were open and told nothing", ["source"])

log = structlog.get_logger()


class Collector:
    """One broker's market, for as long as this worker is the one that collects."""

    def __init__(self, feed: Feed, wishes: Wishes, cache: "Redis", clock: Callable[[], datetime]) -> None:
        self._source = feed.source
        self._market = feed.market
        self._data = feed.data
        self._stream = feed.listen(self._take)
        self._wishes = wishes
        self._cache = cache
        self._clock = clock
        self._standing: dict[str, Standing] = {}
        self._meanwhile: dict[str, list[Heard]] = {}
        self._followed: list[str] = []
        self._left_out: list[str] = []
        self._unknown: dict[str, datetime] = {}
        self._phase: tuple[date, bool] | None = None
        self._heard_at = clock()
        self._waiting: deque[str] = deque(maxlen=WAITING_MAX)
        self._news = asyncio.Event()

    @property
    def market(self) -> Market:
        """Whose prices it brings."""
        return self._market

    async def run(self) -> None:
        """Collect for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                for task in (self._stream.follow(), self._wishes.hear(), self._look(), self._repeat(), self._publish()):
                    group.create_task(task)
        finally:
            followed_now.clear()  # whoever collects next says how it is
            left_out_now.clear()

    async def _look(self) -> None:
        """Follow what is wanted, have it shown, and see to it that the line tells something."""
        while True:
            try:
                self._begin_anew_if_need_be()
                await self._choose()
                await self._judge()
            except LineFailure as failed:
                log.warning("a feed's broker shows nothing", source=self._source, error=str(failed))
                await asyncio.sleep(RETRY_SECONDS)
            stop_if_cancelled()
            await asyncio.sleep(LOOK_SECONDS)

    def _begin_anew_if_need_be(self) -> None:
        """Forget how everything stood after a gap, and when a session begins or ends."""
        phase = _phase(self._market, self._clock())
        if self._stream.begun.is_set() or phase != self._phase:
            self._stream.begun.clear()
            self._phase = phase
            self._standing.clear()
            self._heard_at = self._clock()

    async def _choose(self) -> None:
        now, most = self._clock(), self._stream.symbols_max
        self._unknown = {symbol: until for symbol, until in self._unknown.items() if now < until}
        wanted = [symbol for symbol in await self._wishes.ranked(self._followed) if symbol not in self._unknown]
        self._say_what_is_left_out(wanted[most:])
        chosen = wanted[:most]
        self._standing = {symbol: stands for symbol, stands in self._standing.items() if symbol in chosen}
        await self._follow([symbol for symbol in self._followed if symbol in chosen])
        for symbol in chosen:
            if symbol not in self._standing and await self._show(symbol) and symbol not in self._followed:
                await self._follow([*self._followed, symbol])

    async def _follow(self, symbols: list[str]) -> None:
        if symbols != self._followed:
            self._followed = symbols
            await self._stream.want(symbols)
        followed_now.labels(self._source).set(len(symbols))

    def _say_what_is_left_out(self, symbols: list[str]) -> None:
        left_out_now.labels(self._source).set(len(symbols))
        if symbols and not self._left_out:
            most = self._stream.symbols_max
            log.warning("more is wanted than one key may follow", source=self._source, most=most, left_out=symbols)
        self._left_out = symbols

    async def _show(self, symbol: str) -> bool:
        """Ask how a symbol stands, and tell it; a symbol that the broker does not know is left alone for a while.

        What the stream tells in the meantime comes on top.
        """
        self._meanwhile[symbol] = []
        day = await self._data.last_price(symbol)
        if isinstance(day, No):
            log.info("a feed's broker does not know a symbol", source=self._source, symbol=symbol)
            self._unknown[symbol] = self._clock() + UNKNOWN_FOR
            return False
        book = await self._data.depth(symbol)
        stands = Standing(day, Depth(symbol, (), ()) if isinstance(book, No) else book)
        for heard in self._meanwhile.pop(symbol):
            stands = stands.then(heard) or stands
        self._standing[symbol] = stands
        self._tell(symbol, with_book=True)
        return True

    async def _judge(self) -> None:
        """Begin a line again that is open and silent in session, unless nothing has traded that it did not tell."""
        if not self._is_live() or not self._standing or self._clock() - self._heard_at <= SILENCE:
            return
        self._heard_at = self._clock()
        symbol = max(self._standing, key=lambda each: self._standing[each].day.day_volume)
        try:
            shown = await self._data.last_price(symbol)
        except LineFailure:
            shown = No("no_answer", "what cannot be proved counts as silence")
        if isinstance(shown, No) or shown.day_volume > self._standing[symbol].day.day_volume:
            log.error("a feed's line is open and tells nothing: it is begun again", source=self._source, symbol=symbol)
            lines_hung_up.labels(self._source).inc()
            self._standing.clear()
            await self._stream.hang_up()

    def _is_live(self) -> bool:
        in_session = self._phase is not None and self._phase[1]
        return in_session and self._stream.is_open and not self._stream.begun.is_set()

    def _take(self, heard: Heard) -> None:
        self._heard_at = self._clock()
        if heard.symbol in self._meanwhile:
            self._meanwhile[heard.symbol].append(heard)
        stands = self._standing.get(heard.symbol)
        after = None if stands is None else stands.then(heard)
        if after is None:
            return
        self._standing[heard.symbol] = after
        if isinstance(heard, Trade):
            self._tell(heard.symbol, traded=heard.quantity)
        else:
            self._tell(heard.symbol, with_book=True)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(REPEAT_SECONDS)
            if self._is_live():
                for symbol in self._standing:
                    self._tell(symbol)

    def _tell(self, symbol: str, *, traded: Decimal = NOTHING, with_book: bool = False) -> None:
        stands = self._standing[symbol]
        day = stands.day
        self._waiting.append(
            dumps_text(
                {
                    "source": self._source,
                    "market": self._market,
                    "symbol": symbol,
                    "price": day.price,
                    "base_price": day.base_price,
                    "open": day.open,
                    "high": day.high,
                    "low": day.low,
                    "volume": int(day.day_volume),
                    "traded": int(traded),
                    "bids": _levels(stands.book.bids),
                    "asks": _levels(stands.book.asks),
                    "with_book": with_book,
                }
            )
        )
        self._news.set()

    async def _publish(self) -> None:
        """Tell in one round trip what has come together; without Redis it is lost, as there is nobody to hear it."""
        while True:
            await self._news.wait()
            self._news.clear()
            pipeline = self._cache.pipeline(transaction=False)
            while self._waiting:
                pipeline.publish(TOLD, self._waiting.popleft())
            try:
                await pipeline.execute()
            except (RedisError, OSError, TimeoutError) as lost:
                log.warning("a feed is not heard", source=self._source, error=repr(lost))
            stop_if_cancelled()


def _levels(levels: tuple[Level, ...]) -> list[dict[str, Any]]:
    return [{"price": level.price, "quantity": level.quantity} for level in levels]


def _phase(market: Market, moment: datetime) -> tuple[date, bool]:
    """The day at a market, and whether its regular session is on."""
    day = moment.astimezone(SEOUL if market == "KRX" else NEW_YORK).date()
    return day, is_session(market, day) and session_hours(market, day).contains(moment)
