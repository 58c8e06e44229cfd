"""Everything notification announces."""

from typing import ClassVar
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
