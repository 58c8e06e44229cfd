"""The account stream: what happened to one owner, numbered without gaps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

EntryType = Literal["order", "execution", "position", "balance", "signal", "notice"]

REPLAY_MAX = 1_000
"""Who has missed more reads the present state instead: that is quicker, and does not fill the queue."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to be told, as its source tells it."""

    type: EntryType
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is kept of a stream: from `first` to `last`; empty when `first` is `last + 1`."""

    first: int
    last: int


def can_resume(after: int, kept: Bounds) -> bool:
    """Tell whether everything after a number can be replayed."""
    return kept.first - 1 <= after <= kept.last and kept.last - after <= REPLAY_MAX
