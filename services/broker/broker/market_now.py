"""What a symbol's newest quote in Redis says of its market: the session, and the trading day that is of.

Orders come in bursts for the same symbol, so what was read is kept for a moment. Phases of a day begin at whole or half
minutes, and no reading is kept over one: the first order of a phase is judged by a quote that is read then.
"""

from datetime import date, datetime, timedelta
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from broker.domain.hours import MarketNow

KEY: Final = "realtime:"
KEPT_FOR: Final = timedelta(milliseconds=250)
SYMBOLS_MAX: Final = 1_000
HALF_MINUTE_SECONDS: Final = 30

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


class Markets:
    """What symbols' markets do, as read at most a moment ago and in the same half minute."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[datetime, MarketNow | None]] = {}

    async def now(self, cache: "Redis", symbol: str, moment: datetime) -> MarketNow | None:
        """The session of a symbol's quote; None when nobody says."""
        read = self._read.get(symbol)
        if read is not None and _is_fresh(read[0], moment):
            return read[1]
        found = await find_market_now(cache, symbol)
        if len(self._read) >= SYMBOLS_MAX:
            self._read.clear()
        self._read[symbol] = moment, found
        return found


def _is_fresh(read_at: datetime, moment: datetime) -> bool:
    begun = moment - timedelta(seconds=moment.second % HALF_MINUTE_SECONDS, microseconds=moment.microsecond)
    return max(begun, moment - KEPT_FOR) <= read_at <= moment
