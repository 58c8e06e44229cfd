"""The latest quotes, in Redis: the contract `realtime:{symbol}` and `market:{symbol}` that other services read."""

from collections.abc import Sequence
from dataclasses import fields

from kit.json import dumps_text
from redis.asyncio import Redis

from market.domain.quote import Quote

SHARED = "a price is the same for every user"

CHANNEL_PREFIX = "market:"


async def save(cache: Redis, quotes: Sequence[Quote]) -> None:
    """Keep and publish quotes in one round trip; who asks and who listens get the same text."""
    pipeline = cache.pipeline(transaction=False)
    for quote in quotes:
        text = dumps_text({field.name: getattr(quote, field.name) for field in fields(quote)})
        pipeline.set(f"realtime:{quote.symbol}", text)
        pipeline.publish(f"{CHANNEL_PREFIX}{quote.symbol}", text)
    await pipeline.execute()


async def list_latest(cache: Redis, symbols: Sequence[str]) -> list[str | None]:
    """The latest quote of each symbol as its JSON text, or None where nothing was ever quoted."""
    if not symbols:
        return []
    texts: list[str | None] = await cache.mget([f"realtime:{symbol}" for symbol in symbols])  # type: ignore[assignment]
    return texts
