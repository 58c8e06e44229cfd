"""The latest quotes, in Redis: the contract `realtime:{symbol}` and `market:{symbol}` that other services read.

Trades, order books and forming minutes travel beside them, on channels of their own.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, Literal

import structlog
from kit.json import dumps_text, loads
from kit.money import decimal_from
from redis.asyncio import Redis

from market.domain.minute import Minute
from market.domain.quote import Book, Quote, Trade
from market.store.fence import Command, Fence

SHARED = "a price is the same for every user"

Channel = Literal["quote", "trade", "orderbook", "bar:1m"]

PUBLISHED: Final[dict[Channel, str]] = {
    "quote": "market",
    "trade": "market.trade",
    "orderbook": "market.orderbook",
    "bar:1m": "market.bar1m",
}
"""Where each channel is published: `{this}:{symbol}`."""

KEPT: Final[dict[Channel, str]] = {"quote": "realtime", "orderbook": "realtime.orderbook", "bar:1m": "realtime.bar1m"}
"""Where the newest message of a channel is kept, when a newer one makes it worthless; trades are not kept."""

CLOSED: Final = '"closed":true'
"""What marks a minute that will not change any more, and must reach everybody who watches."""

SCAN_COUNT = 1_000

log = structlog.get_logger()


async def save(fence: Fence, quotes: Sequence[Quote], trades: Sequence[Trade], books: Sequence[Book]) -> None:
    """Keep and publish in one round trip; who asks and who listens get the same text.

    Raises:
        Superseded: when somebody else tells these prices by now.
    """
    told: list[tuple[Channel, str, str]] = [("quote", quote.symbol, _text(quote)) for quote in quotes]
    told += [("orderbook", book.symbol, _text(book)) for book in books]
    told += [("trade", trade.symbol, _text(trade)) for trade in trades]
    await fence.write([command for one in told for command in _commands(*one)])


async def save_minutes(fence: Fence, minutes: Sequence[Minute]) -> None:
    """Keep and publish minutes, forming or closed.

    Raises:
        Superseded: when somebody else rolls minutes by now.
    """
    await fence.write([command for one in minutes for command in _commands("bar:1m", one.symbol, _text(one))])


def _commands(channel: Channel, symbol: str, text: str) -> list[Command]:
    kept = [("SET", f"{KEPT[channel]}:{symbol}", text)] if channel in KEPT else []
    return [*kept, ("PUBLISH", f"{PUBLISHED[channel]}:{symbol}", text)]


def _text(message: Quote | Trade | Book | Minute) -> str:
    return dumps_text({field.name: getattr(message, field.name) for field in fields(message)})


async def list_kept(cache: Redis, topics: Sequence[tuple[Channel, str]]) -> list[str | None]:
    """The newest message of each channel and symbol as its JSON text, or None where there was none."""
    if not topics:
        return []
    texts: list[str | None] = await cache.mget([f"{KEPT[channel]}:{symbol}" for channel, symbol in topics])  # type: ignore[assignment]
    return texts


async def list_forming(cache: Redis) -> list[Minute]:
    """The newest minute of every symbol, forming or closed; what cannot be read counts as not there."""
    keys = [key async for key in cache.scan_iter(f"{KEPT['bar:1m']}:*", count=SCAN_COUNT)]
    texts = await cache.mget(keys) if keys else []
    found = [_minute(text) for text in texts if text is not None]
    return [minute for minute in found if minute is not None]


def _minute(text: bytes | str) -> Minute | None:
    try:
        values: dict[str, Any] = loads(text)
        prices = {name: decimal_from(values[name]) for name in ("open", "high", "low", "close")}
        return Minute(**values | prices)
    except (ValueError, KeyError, TypeError) as unreadable:
        log.warning("a kept minute cannot be read", error=repr(unreadable))
        return None
