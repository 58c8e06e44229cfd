"""Pipelines: what is done for each trading day, in which sequence, when it falls due, and when it is tried again."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NewType
from uuid import UUID

from quant.markets.calendar import session_hours, sessions_between
from quant.markets.listing import Market

from market.domain.sessions import local_day

RunId = NewType("RunId", UUID)
Pipeline = Literal["collect", "adjust", "figures", "screens", "minutes", "clean_up"]
RunStatus = Literal["waiting", "running", "finished", "failed"]

CHAIN: Final[tuple[Pipeline, ...]] = ("collect", "adjust", "figures", "screens", "minutes", "clean_up")
"""In this sequence for each day: none begins before the one before it has finished."""

USUAL: Final[tuple[Pipeline, ...]] = ("collect", "adjust", "figures", "screens", "clean_up")
"""What is done where nothing else is said; minutes want sources of their own, and symbols."""

AFTER_CLOSE: Final = timedelta(minutes=40)
"""When sources have the day's final figures; who has them later is asked again."""

CATCH_UP_MAX: Final = timedelta(days=31)
ATTEMPTS_MAX: Final = 8
PAUSE_FIRST: Final = timedelta(minutes=10)
PAUSE_LONGEST: Final = timedelta(hours=4)
"""Eight attempts span about fourteen hours: from the close in Seoul to the official figures of the next morning."""

DAYS_AT_ONCE_MAX: Final = 366
MINUTES_KEPT: Final = timedelta(days=5 * 366)
RUNS_KEPT: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Run:
    """One pipeline of one market for one day."""

    id: RunId
    pipeline: Pipeline
    market: Market
    day: date
    status: RunStatus
    attempts: int
    not_before: datetime
    requested_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    done: int = 0
    total: int = 0
    report: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


def days_due(market: Market, last_done: date | None, moment: datetime) -> list[date]:
    """The sessions whose figures should be there by now and were not collected yet, oldest first.

    Whoever has never collected begins with the newest; after an outage up to a month is caught up.
    """
    today = local_day(market, moment)
    sessions = sessions_between(market, today - CATCH_UP_MAX, today)
    closed = [day for day in sessions if session_hours(market, day).close + AFTER_CLOSE <= moment]
    if last_done is None:
        return closed[-1:]
    return [day for day in closed if day > last_done]


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait before the next attempt; None when there is none left."""
    if attempts >= ATTEMPTS_MAX:
        return None
    doublings: int = 2 ** max(attempts - 1, 0)
    return min(PAUSE_FIRST * doublings, PAUSE_LONGEST)
