"""Exports: everything that is somebody's, collected from every service; and erasures, carried out by each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NewType
from uuid import UUID

ExportId = NewType("ExportId", UUID)
ErasureId = NewType("ErasureId", UUID)

SERVICES: Final = ("auth", "trading", "market", "backtest", "broker", "notification")
KEPT_FOR: Final = timedelta(days=2)
"""How long an archive can be fetched; what is still missing then will not come."""
AGAIN_AFTER: Final = timedelta(hours=1)
"""An export that was asked for within the last hour is the one that is meant."""
CLAIMED_FOR: Final = timedelta(minutes=2)
"""A worker that took a part and is not heard of has died: another takes it."""
PAUSE_FIRST: Final = timedelta(seconds=5)
PAUSE_MAX: Final = timedelta(minutes=5)

PartStatus = Literal["waiting", "done"]


@dataclass(frozen=True, slots=True)
class Part:
    """What one service says."""

    service: str
    done_at: datetime | None
    failure: str | None = None
    """Why the last try came to nothing, in words for the owner."""


@dataclass(frozen=True, slots=True)
class Export:
    """What somebody asked for, and how far it is."""

    id: ExportId
    asked_at: datetime
    expires_at: datetime
    parts: tuple[Part, ...]

    @property
    def is_ready(self) -> bool:
        """Whether every service has answered."""
        return all(part.done_at is not None for part in self.parts)

    def is_meant_by(self, now: datetime) -> bool:
        """Whether asking again now means this one: it is under way, or fresh."""
        return now < self.expires_at and (not self.is_ready or now < self.asked_at + AGAIN_AFTER)


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody who is forgotten, by a bare id, and which services have done it."""

    id: ErasureId
    user_id: UUID
    asked_at: datetime
    done: Mapping[str, datetime | None]


def pause_after(tries: int) -> timedelta:
    """How long to wait before a service is asked again."""
    pause: timedelta = PAUSE_FIRST * 2 ** min(tries, 10)
    return min(pause, PAUSE_MAX)
