"""Everything notification announces."""

from typing import ClassVar, Literal
from uuid import UUID

from kit.events import Event
from kit.money import Money


class AlertTriggered(Event):
    """A price alert met its condition."""

    TYPE: ClassVar[str] = "notification.alert.triggered.v1"
    SUBJECT: ClassVar[str] = "alert_id"
    MUST_REACH: ClassVar[bool] = False
    alert_id: UUID
    symbol: str
    price: Money
    condition: str


class OwnerErased(Event):
    """Somebody who left is forgotten here."""

    TYPE: ClassVar[str] = "notification.owner.erased.v1"
    SUBJECT: ClassVar[str] = "user_id"

    user_id: UUID


class DeliveryFailed(Event):
    """A notice was given up on its way to a channel; it is still in the inbox."""

    TYPE: ClassVar[str] = "notification.delivery.failed.v1"
    SUBJECT: ClassVar[str] = "delivery_id"
    MUST_REACH: ClassVar[bool] = False
    delivery_id: UUID
    channel_id: UUID
    channel_kind: str
    notice_kind: str
    tries: int
    error: str


class HaltRequested(Event):
    """An owner asked, from a linked chat, that all their trading stop."""

    TYPE: ClassVar[str] = "notification.halt.requested.v1"
    SUBJECT: ClassVar[str] = "channel"
    channel: str


class SignalDecided(Event):
    """An owner answered, from a linked chat, a signal that asks first; `code` is the end of the signal's id."""

    TYPE: ClassVar[str] = "notification.signal.decided.v1"
    SUBJECT: ClassVar[str] = "code"
    code: str
    decision: Literal["approve", "decline"]
    channel: str
