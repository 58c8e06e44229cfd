"""Quotes as market publishes them: the fields we read."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated

from kit.money import Money
from kit.observe import log
from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from notification.domain.alert import Seen

PRICE_MAX = Decimal(1_000_000_000_000)
PERCENT_MAX = Decimal(1_000_000)
VOLUME_MAX = 10**15


class Quote(BaseModel):
    """The last price, what the day has brought so far, and when it was published."""

    price: Annotated[Money, Field(gt=0, le=PRICE_MAX)]
    timestamp: AwareDatetime
    change_percent: Annotated[Money, Field(ge=-PERCENT_MAX, le=PERCENT_MAX)] | None = None
    volume: Annotated[int, Field(ge=0, le=VOLUME_MAX)] | None = None

    def seen(self) -> Seen:
        """Return it in the domain's words."""
        return Seen(self.price, self.change_percent, self.volume)


def read_quote(text: str) -> Quote | None:
    """Read a published quote; one that makes no sense is logged and left out."""
    try:
        return Quote.model_validate_json(text)
    except (ValidationError, InvalidOperation) as unreadable:
        log.warning("a quote cannot be read", error=str(unreadable))
        return None


@dataclass(frozen=True)
class Quotes:
    """The present quotes."""

    redis: Redis

    async def present(self, symbols: Collection[str]) -> dict[str, Quote]:
        """Return what is known; nothing while Redis is away."""
        if not symbols:
            return {}
        try:
            texts = await self.redis.mget([f"realtime:{symbol}" for symbol in symbols])
        except (RedisError, OSError) as lost:
            log.warning("present quotes are not known", error=repr(lost))
            return {}
        found = {symbol: read_quote(str(text)) for symbol, text in zip(symbols, texts, strict=True) if text is not None}
        return {symbol: quote for symbol, quote in found.items() if quote is not None}
