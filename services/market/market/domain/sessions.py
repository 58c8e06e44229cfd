"""Which session a market is in, by its calendar."""

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Final, Literal

from quant.markets.calendar import NEW_YORK, SEOUL, is_session, next_session, session_hours, sessions_between
from quant.markets.listing import Market

_ZONES: Final[dict[Market, tzinfo]] = {"KRX": SEOUL, "US": NEW_YORK}

# Korea closed at 15:00 until the end of July 2016.
_USUAL: Final[dict[Market, frozenset[tuple[time, time]]]] = {
    "KRX": frozenset({(time(9), time(15, 30)), (time(9), time(15))}),
    "US": frozenset({(time(9, 30), time(16))}),
}


@dataclass(frozen=True, slots=True)
class MarketSession:
    """The running regular session, or the next one; times in UTC."""

    market: Market
    session: Literal["regular", "closed"]
    trading_date: date
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class SessionDay:
    """One day's regular session in UTC, and whether its hours are unusual for its market."""

    day: date
    opens_at: datetime
    closes_at: datetime
    special: bool


def sessions_of(market: Market, first: date, last: date) -> list[SessionDay]:
    """The sessions between two days, both included; ValueError outside the calendar's years."""
    return [_session_day(market, day) for day in sessions_between(market, first, last)]


def _session_day(market: Market, day: date) -> SessionDay:
    hours = session_hours(market, day)
    opens, closes = (moment.astimezone(_ZONES[market]).time() for moment in (hours.open, hours.close))
    return SessionDay(day, hours.open, hours.close, (opens, closes) not in _USUAL[market])


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
