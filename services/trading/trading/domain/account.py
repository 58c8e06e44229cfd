"""Accounts and their cash."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from quant.markets.listing import Currency

from trading.domain.halt import HaltMode
from trading.domain.request import AccountId

AccountKind = Literal["paper", "live"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A place where one owner keeps money and shares apart from other such places."""

    id: AccountId
    name: str
    kind: AccountKind
    currency: Currency
    trading_halted: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Cash of one currency: free to use, and held for open buys."""

    account_id: AccountId
    currency: Currency
    available: Decimal
    held: Decimal

    @property
    def cash(self) -> Decimal:
        """All of it."""
        return self.available + self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an account can put behind one more order, and what it has done lately.

    What only a limit asks for is None when no limit does. `equity` is cash and positions at what they cost.
    """

    available: Decimal
    sellable: Decimal
    open_orders: int
    halt: HaltMode | None = None
    has_own_limits: bool = False
    orders_last_second: int = 0
    is_duplicate: bool = False
    trades_today: int | None = None
    realized_today: Decimal | None = None
    open_value: Decimal | None = None
    quantity: Decimal = Decimal(0)
    invested: Decimal | None = None
    equity: Decimal | None = None
