"""The latest quotes, as market publishes them in Redis: `realtime:{symbol}`.

What is missing, late or unreadable is no quote: the risk review then refuses, and this service stays up. So there is no
`ping` here: readiness does not depend on it.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import date

import structlog
from kit.json import dumps_text
from kit.money import Money
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from quant.markets.bands import Band
from quant.markets.listing import Board, Currency, Kind, Market
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from trading.domain.quote import Quote

TIMEOUT_SECONDS = 1.0
READS_AT_ONCE = 16
"""A burst waits its turn: it would find no connection left otherwise, and orders would be denied for that."""
KEPT_MAX = 10_000
PRICE_MAX = 1_000_000_000
CHANNELS = "market:*"
WANTED = "feed.wanted"

log = structlog.get_logger()


class PublishedQuote(BaseModel):
    """The fields we read of a published quote."""

    model_config = ConfigDict(extra="ignore")

    symbol: str
    market: Market
    board: Board
    kind: Kind
    currency: Currency
    price: Money = Field(gt=0, le=PRICE_MAX)
    upper_limit: Money | None
    lower_limit: Money | None
    session: str
    trading_date: date
    timestamp: AwareDatetime

    @model_validator(mode="after")
    def _korea_has_a_band(self) -> "PublishedQuote":
        if self.market == "KRX" and (self.upper_limit is None or self.lower_limit is None):
            raise ValueError("a KRX quote needs its price limits")
        return self

    def quote(self) -> Quote:
        """The quote as the domain knows it."""
        band = None
        if self.upper_limit is not None and self.lower_limit is not None:
            band = Band(lower=self.lower_limit, upper=self.upper_limit)
        return Quote(
            symbol=self.symbol,
            market=self.market,
            board=self.board,
            kind=self.kind,
            currency=self.currency,
            price=self.price,
            band=band,
            session=self.session,
            trading_date=self.trading_date,
            published_at=self.timestamp,
        )


class Quotes:
    """Reads quotes, within a deadline."""

    def __init__(self, cache: "Redis", kept_seconds: float = 0.0) -> None:
        """Read from a cache; `find` may give again what it read up to `kept_seconds` ago."""
        self._cache = cache
        self._turns = asyncio.Semaphore(READS_AT_ONCE)
        self._kept_seconds = kept_seconds
        self._kept: dict[str, tuple[float, Quote]] = {}

    def subscription(self) -> PubSub:
        """Open a subscription, for `async with`; every quote is published under `CHANNELS` as well."""
        return self._cache.pubsub(ignore_subscribe_messages=True)

    async def find(self, symbol: str) -> Quote | None:
        """Return the latest quote of one symbol, or None: then nothing is known about it."""
        moment = time.monotonic()
        read_at, quote = self._kept.get(symbol, (float("-inf"), None))
        if quote is not None and moment - read_at < self._kept_seconds:
            return quote
        quote = (await self.find_many([symbol])).get(symbol)
        if quote is not None and self._kept_seconds:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[symbol] = moment, quote
        return quote

    async def find_many(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes of those symbols that have one."""
        if not symbols:
            return {}
        try:
            async with self._turns, asyncio.timeout(TIMEOUT_SECONDS):
                texts = await self._cache.mget([f"realtime:{symbol}" for symbol in symbols])
        except (RedisError, OSError, TimeoutError) as down:
            log.warning("no quotes", error=repr(down))
            return {}
        found = {}
        for symbol, text in zip(symbols, texts, strict=True):
            quote = parse_quote(text) if text else None
            if quote is not None and quote.symbol == symbol:
                found[symbol] = quote
        return found

    async def want(self, symbols: Mapping[str, int]) -> None:
        """Say to whoever brings live prices which symbols are needed, and by how many; lost, it is said again."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._cache.publish(WANTED, dumps_text({"process": "trading", "watched": symbols}))
        except (RedisError, OSError, TimeoutError) as down:
            log.warning("what prices are needed is not told", error=repr(down))


def parse_quote(text: str | bytes) -> Quote | None:
    """Read a published quote; None when it cannot be trusted."""
    try:
        return PublishedQuote.model_validate_json(text).quote()
    except ValidationError as unreadable:
        log.warning("unreadable quote", error=str(unreadable))
        return None
