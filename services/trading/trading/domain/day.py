"""When a market's day begins: counters of a day start there."""

from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from quant.markets.listing import Market

ZONES: Final[dict[Market, ZoneInfo]] = {"KRX": ZoneInfo("Asia/Seoul"), "US": ZoneInfo("America/New_York")}


def day_began(market: Market, now: datetime) -> datetime:
    """The last midnight where the market is."""
    zone = ZONES[market]
    return datetime.combine(now.astimezone(zone).date(), time.min, zone)
