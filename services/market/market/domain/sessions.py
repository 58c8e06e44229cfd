"""Which session a market is in, by its calendar."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final, Literal

from quant.markets.calendar import NEW_YORK, SEOUL, is_session, next_session, session_hours
from quant.markets.listing import Market

_ZONES: Final[dict[Market, tzinfo]] = {"KRX": SEOUL, "US": NEW_YORK}


@dataclass(frozen=True, slots=True)
class MarketSession:
    """The running regular session, or the next one; times in UTC."""

    market: Market
    session: Literal["regular", "closed"]
    trading_date: date
    opens_at: datetime
    closes_at: datetime


def local_day(market: Market, moment: datetime) -> date:
    """The date on the market's own wall calendar."""
    return moment.astimezone(_ZONES[market]).date()


def session_at(market: Market, moment: datetime) -> MarketSession:
    """The session of this moment: the day's own until its close, then that of the next day."""
    day = local_day(market, moment)
    if not is_session(market, day) or moment >= session_hours(market, day).close:
        day = next_session(market, day)
    hours = session_hours(market, day)
    session: Literal["regular", "closed"] = "regular" if hours.contains(moment) else "closed"
    return MarketSession(market, session, day, hours.open, hours.close)


def unfinished_day(market: Market, moment: datetime) -> date | None:
    """Today at the market, while its regular session is still to end; None when it has, or there is none."""
    day = local_day(market, moment)
    return day if is_session(market, day) and moment < session_hours(market, day).close else None
