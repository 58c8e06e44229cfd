"""What a symbol's newest quote in Redis says of its market: the session, and the trading day that is of."""

from datetime import date
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from broker.domain.hours import MarketNow

KEY: Final = "realtime:"

log = structlog.get_logger()


class _Quoted(BaseModel):
    """The two fields that we read."""

    model_config = ConfigDict(extra="ignore")

    session: str
    trading_date: date


async def find_market_now(cache: "Redis", symbol: str) -> MarketNow | None:
    """The session of a symbol's quote; None when there is no quote, or Redis does not say."""
    try:
        text = await cache.get(f"{KEY}{symbol}")
        quoted = None if text is None else _Quoted.model_validate_json(text)
    except (RedisError, OSError, TimeoutError, ValidationError) as lost:
        log.warning("nobody says in which session a symbol is: its broker judges", symbol=symbol, error=repr(lost))
        return None
    return None if quoted is None else MarketNow(quoted.session, quoted.trading_date)
