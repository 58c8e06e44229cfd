"""What kill switches, limits and the comparison of submits announce; part of this service's events."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from kit.events import Event
from quant.markets.listing import Currency

from trading.domain.halt import HaltLevel, HaltMode
from trading.domain.limits import Scope


class HaltChanged(Event):
    """Trading of all, of a `broker` or of `scope_id` was halted, or resumed: `mode` is null; `by` 0…0: by itself."""

    TYPE: ClassVar[str] = "trading.halt.changed.v1"
    SUBJECT: ClassVar[str] = "level"
    MUST_REACH: ClassVar[bool] = False
    level: HaltLevel
    scope_id: UUID | None
    mode: HaltMode | None
    reason: str | None
    by: UUID
    broker: str | None = None


class SubmitsMismatched(Event):
    """A broker was sent orders that were never approved, or not so: it is halted, and somebody has to look."""

    TYPE: ClassVar[str] = "trading.submits.mismatched.v1"
    SUBJECT: ClassVar[str] = "broker"
    MUST_REACH: ClassVar[bool] = False
    broker: str
    order_ids: list[UUID]
    faults: list[str]


class LimitsChanged(Event):
    """An owner's risk limits were replaced; `is_looser` when they let more through, at `effective_at`."""

    TYPE: ClassVar[str] = "trading.limits.changed.v1"
    SUBJECT: ClassVar[str] = "scope_id"
    MUST_REACH: ClassVar[bool] = False
    scope: Scope
    scope_id: UUID
    currency: Currency
    is_looser: bool
    effective_at: datetime
    old: dict[str, str]
    """Of the bounds that differ, what they were; a bound that there was not is left out."""
    new: dict[str, str]
