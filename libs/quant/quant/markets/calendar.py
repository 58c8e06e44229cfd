"""When the markets are open: sessions and their hours, 1999 to 2028, from the dated tables of `closures`."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from quant.markets import closures
from quant.markets.listing import Market

SEOUL: Final = timezone(timedelta(hours=9), "KST")
NEW_YORK: Final = ZoneInfo("America/New_York")

# The regular close moved from 15:00 to 15:30 on this day.
_KRX_LONGER_DAY: Final = date(2016, 8, 1)
_KRX_EXAM_DAYS: Final = frozenset(date.fromisoformat(day) for day in closures.KRX_EXAM_DAYS)
_ONE_HOUR: Final = timedelta(hours=1)


def _marked(table: dict[int, str]) -> frozenset[date]:
    """The days of a table of `MMDD` words by year."""
    return frozenset(
        date(year, int(word[:2]), int(word[2:])) for year, words in table.items() for word in words.split()
    )


_US_EARLY_CLOSE: Final = _marked(closures.US_EARLY_CLOSE)


@dataclass(frozen=True, slots=True)
class Hours:
    """The regular session of one day, in UTC, half open: [open, close)."""

    open: datetime
    close: datetime

    def contains(self, moment: datetime) -> bool:
        """Whether the regular session is running at `moment` (an aware datetime)."""
        return self.open <= moment < self.close


def is_session(market: Market, day: date) -> bool:
    """Whether the market trades on this day."""
    days = _sessions(market)
    position = bisect_left(days, _checked(day))
    return position < len(days) and days[position] == day


def next_session(market: Market, day: date) -> date:
    """The first session after `day`, which need not be a session itself."""
    return add_sessions(market, day, 1)


def session_on_or_after(market: Market, day: date) -> date:
    """A day if it is a session of a market, else the first one after it."""
    return day if is_session(market, day) else next_session(market, day)


def previous_session(market: Market, day: date) -> date:
    """The last session before `day`, which need not be a session itself."""
    return add_sessions(market, day, -1)


def add_sessions(market: Market, day: date, count: int) -> date:
    """The session `count` sessions after `day` (before it, when negative); with 0 the day itself must be a session.

    ValueError when the answer lies outside the calendar's years.
    """
    days = _sessions(market)
    if count == 0 and not is_session(market, day):
        raise ValueError(f"{day} is not a session of {market}")
    base = bisect_right(days, _checked(day)) - 1 if count >= 0 else bisect_left(days, _checked(day))
    position = base + count
    if not 0 <= position < len(days):
        raise ValueError(f"the {market} calendar ends before {count} sessions from {day}")
    return days[position]


def sessions_between(market: Market, first: date, last: date) -> tuple[date, ...]:
    """All sessions from `first` to `last`, both included."""
    days = _sessions(market)
    return days[bisect_left(days, _checked(first)) : bisect_right(days, _checked(last))]


def session_hours(market: Market, day: date) -> Hours:
    """Opening and close of the regular session in UTC; ValueError when the market is closed that day.

    Korea opens at 10:00 on the first session of a year, and runs one hour late on the day of the entrance examination.
    """
    if not is_session(market, day):
        raise ValueError(f"{day} is not a session of {market}")
    if market == "US":
        early = day in _US_EARLY_CLOSE
        return _hours(day, time(9, 30), time(13) if early else time(16), NEW_YORK)
    regular = _hours(day, time(9), time(15, 30) if day >= _KRX_LONGER_DAY else time(15), SEOUL)
    if day in _KRX_EXAM_DAYS:
        return Hours(regular.open + _ONE_HOUR, regular.close + _ONE_HOUR)
    if is_first_of_year(market, day):
        return Hours(regular.open + _ONE_HOUR, regular.close)
    return regular


def is_exam_day(day: date) -> bool:
    """Whether Korea sits its university entrance examination, and its whole market runs one hour late."""
    return day in _KRX_EXAM_DAYS


def is_first_of_year(market: Market, day: date) -> bool:
    """Whether the session is the first of its year."""
    days = _sessions(market)
    return days[bisect_left(days, date(day.year, 1, 1))] == day


def _hours(day: date, opening: time, close: time, zone: tzinfo) -> Hours:
    return Hours(
        open=datetime.combine(day, opening, zone).astimezone(UTC),
        close=datetime.combine(day, close, zone).astimezone(UTC),
    )


def _checked(day: date) -> date:
    if not closures.FIRST_DAY <= day <= closures.LAST_DAY:
        raise ValueError(f"the calendar covers {closures.FIRST_DAY} to {closures.LAST_DAY}, not {day}")
    return day


@lru_cache(maxsize=2)
def _sessions(market: Market) -> tuple[date, ...]:
    tables: dict[str, dict[int, str]] = {"KRX": closures.KRX_CLOSED, "US": closures.US_CLOSED}
    if market not in tables:
        raise ValueError(f"unknown market {market!r}: use one of {', '.join(tables)}")
    closed = _marked(tables[market])
    first, last = closures.FIRST_DAY.toordinal(), closures.LAST_DAY.toordinal()
    days = (date.fromordinal(ordinal) for ordinal in range(first, last + 1))
    return tuple(day for day in days if day.weekday() < 5 and day not in closed)
