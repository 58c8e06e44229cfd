"""A chunk: the piece of a run that one computer takes at a time."""

from dataclasses import dataclass
from uuid import UUID

from backtest.domain.run import RunId

TRIES_MAX = 3
"""A chunk whose computers die each time is to blame itself."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Trials `first` to `first + size` of a run's search; `tries` counts how often it was begun."""

    run_id: RunId
    number: int
    owner: UUID
    first: int
    size: int
    tries: int
    is_done: bool
