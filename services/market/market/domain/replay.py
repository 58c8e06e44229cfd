"""A replay: which day of which symbols, how fast, and how far it has come."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal, NewType
from uuid import UUID

from quant.markets.listing import Market

ReplayId = NewType("ReplayId", UUID)
Status = Literal["waiting", "running", "stopping", "finished", "stopped"]

HOLD_OPEN_MAX: Final = timedelta(hours=24)
"""How long a replay with `hold_open` stays open after its last tick, in case nobody stops it."""

PULSE: Final = timedelta(seconds=1)
"""At least this often the latest quote is published again, so that it never looks stale while the session runs."""

TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    "waiting": frozenset({"running", "stopped"}),
    "running": frozenset({"stopping", "finished"}),
    "stopping": frozenset({"stopped"}),
    "finished": frozenset(),
    "stopped": frozenset(),
}
ACTIVE: Final[tuple[Status, ...]] = ("waiting", "running", "stopping")


class ImpossibleChange(Exception):
    """A replay cannot go from where it is to where it was told to go."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay, as stored."""

    id: ReplayId
    market: Market
    symbols: tuple[str, ...]
    trading_date: date
    duration_seconds: int
    ticks_per_symbol: int
    hold_open: bool
    status: Status
    requested_by: UUID
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    def then(self, status: Status, moment: datetime) -> "Replay":
        """This replay one step further.

        Raises:
            ImpossibleChange: when the table of transitions has no such step.
        """
        if status not in TRANSITIONS[self.status]:
            raise ImpossibleChange(f"a replay that is {self.status} cannot become {status}")
        if status == "running":
            return replace(self, status=status, started_at=moment)
        if status in {"finished", "stopped"}:
            return replace(self, status=status, finished_at=moment)
        return replace(self, status=status)


def stop_of(replay: Replay, moment: datetime) -> Replay:
    """The replay after somebody asked it to stop; asking twice, or too late, changes nothing."""
    if replay.status == "waiting":
        return replay.then("stopped", moment)
    return replay.then("stopping", moment) if replay.status == "running" else replay


def tick_due(replay: Replay, moment: datetime) -> int:
    """The tick the wall clock has reached: after a restart the replay goes on where it would have been."""
    assert replay.started_at is not None
    due = (moment - replay.started_at) * replay.ticks_per_symbol // timedelta(seconds=replay.duration_seconds)
    return min(max(due, 0), replay.ticks_per_symbol - 1)


def is_over(replay: Replay, moment: datetime) -> bool:
    """Whether the session has ended by itself."""
    assert replay.started_at is not None
    open_for = timedelta(seconds=replay.duration_seconds) + (HOLD_OPEN_MAX if replay.hold_open else timedelta())
    return moment >= replay.started_at + open_for


def next_due(replay: Replay, moment: datetime) -> datetime:
    """When to publish again: at the next tick, and in any case within a pulse."""
    assert replay.started_at is not None
    step = timedelta(seconds=replay.duration_seconds) / replay.ticks_per_symbol
    following = replay.started_at + step * (tick_due(replay, moment) + 1)
    return min(following, moment + PULSE) if following > moment else moment + PULSE
