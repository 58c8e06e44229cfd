"""The interface every broker's connector keeps: five questions, and the ways in which the line can fail."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from kit.db import Session

from broker.adapters.balance import Balance, BuyingPower
from broker.domain.capabilities import Capabilities
from broker.domain.order import (
    Absent,
    Accepted,
    Ambiguous,
    CancelRefused,
    ClientKey,
    Listed,
    OrderIntent,
    Refused,
    Replaced,
    Replacement,
    ReplaceRefused,
)


class LineFailure(Exception):
    """The broker did not answer; the subclass says what that means for the order."""


class NotSent(LineFailure):
    """Certainly not done: nothing left this process. Trying again is safe."""


class LineGone(NotSent):
    """Certainly not done, and never again this way: the connection was taken away."""


class RateLimited(NotSent):
    """Certainly not done: the broker counts our calls and turned this one away."""


class Unreachable(LineFailure):
    """Perhaps done: the request may have arrived. Never send again without evidence."""


@dataclass(frozen=True, slots=True)
class Report:
    """News of an order we did not just ask about: everything the broker knows of it, or only what is new."""

    key: ClientKey
    news: Accepted


class Connector(Protocol):
    """One broker. Every call may raise NotSent or Unreachable; a refusal is an answer, not an error."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        """Send an order. Called by `usecases/submit_order.py` and nothing else."""
        ...

    async def cancel(self, order: OrderIntent, key: ClientKey, broker_order_id: str) -> Accepted | CancelRefused:
        """Cancel what is open of an order. Asking twice is harmless and gives the same answer."""
        ...

    async def replace(
        self, order: OrderIntent, key: ClientKey, broker_order_id: str, change: Replacement
    ) -> Replaced | ReplaceRefused:
        """Change quantity and limit of an open order. Asking again for what is so already changes nothing."""
        ...

    async def find(
        self, order: OrderIntent, key: ClientKey, sent_at: datetime
    ) -> Accepted | Refused | Absent | Ambiguous:
        """Look an order up in the broker's own lists: by key, or where there are none, by what and when it was."""
        ...

    def reports(self) -> AsyncGenerator[Sequence[Report], None]:
        """Tell of executions and endings, in batches, for ever.

        Asking for the next batch says that the last one is safely stored: until then it is told again.
        """
        ...


class Remote(Connector, Protocol):
    """A connector of a broker that keeps accounts. Calls may raise NotSent or Unreachable: half an answer is none."""

    async def listed(self) -> Sequence[Listed]:
        """Every order the broker shows of today, whoever placed it, oldest first."""
        ...

    async def told(self, listed: Listed) -> Accepted | Refused:
        """Everything the broker knows of an order of its list, executions included."""
        ...

    async def balance(self) -> Balance:
        """Cash and holdings of the account."""
        ...

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | Refused:
        """What the broker would let the account spend on a symbol now."""
        ...


Entry = Callable[[Session, Sequence[OrderIntent]], Awaitable[Sequence[Accepted | Refused]]]
"""Lets orders in, one after the other, in a transaction that holds their book; their answers in the same order."""


@runtime_checkable
class InHouse(Protocol):
    """A broker whose books lie in our own database, so that orders enter them in the transaction of their attempts."""

    def book_of(self, order: OrderIntent) -> str:
        """The name of the lock that whoever writes to the order's book holds."""
        ...

    async def approach(self, symbol: str) -> Entry:
        """Look at a symbol's market, before any transaction. Raises NotSent when it cannot be seen."""
        ...
