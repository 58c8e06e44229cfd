"""What somebody has to look at: books that do not add up, orders that nothing is heard of."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from kit.events import Event

from trading.domain.order import Status


class LedgerDisproved(Event):
    """What is stored of an account is not what its entries add up to: a human has to look, before it trades again."""

    TYPE: ClassVar[str] = "trading.ledger.disproved.v1"
    SUBJECT: ClassVar[str] = "account_id"
    MUST_REACH: ClassVar[bool] = False
    account_id: UUID
    faults: int


class OrderSilent(Event):
    """Nothing was heard of an order for too long: its broker owes an answer, and a human should look."""

    TYPE: ClassVar[str] = "trading.order.silent.v1"
    SUBJECT: ClassVar[str] = "order_id"
    MUST_REACH: ClassVar[bool] = False
    order_id: UUID
    account_id: UUID
    status: Status
    heard_at: datetime
