"""Accounts and their cash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from quant.markets.listing import Currency
from quant.risk import Stand

from trading.domain.halt import HaltMode
from trading.domain.limits import Scope
from trading.domain.request import AccountId

AccountKind = Literal["paper", "live"]
Environment = Literal["paper", "real"]
ENVIRONMENT_OF: Final[dict[AccountKind, Environment]] = {"paper": "paper", "live": "real"}
"""Where accounts of a kind trade: there is no other way from one to the other."""
SIMULATOR: Final = "simulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A place where one owner keeps money and shares apart from other such places.

    `broker` carries its orders out, with the keys of `connection_id`; the simulator needs none.
    """

    id: AccountId
    name: str
    kind: AccountKind
    currency: Currency
    trading_halted: bool
    created_at: datetime
    broker: str = SIMULATOR
    connection_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Somebody's connection to a broker, as far as accounts need to know it: broker keeps its keys."""

    id: UUID
    broker: str
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Cash of one currency: free to use, held for open buys, and what of it trades will still bring or take."""

    account_id: AccountId
    currency: Currency
    available: Decimal
    held: Decimal
    unsettled_in: Decimal = Decimal(0)
    unsettled_out: Decimal = Decimal(0)

    @property
    def cash(self) -> Decimal:
        """All of it, as if every trade were settled."""
        return self.available + self.held

    @property
    def settled(self) -> Decimal:
        """What lies in the account today."""
        return self.cash - self.unsettled_in + self.unsettled_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What orders in one currency add up to over several accounts; `realized_today` since the market's midnight."""

    trades_today: int
    realized_today: Decimal
    open_orders: int
    open_value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Stand):
    """What an account can put behind one more order, and what it has done lately.

    What only a limit asks for is None when no limit does.
    `database_time` is when all of this was read, by the one clock that all processes share.
    """

    available: Decimal
    sellable: Decimal
    halt: HaltMode | None = None
    has_own_limits: bool = False
    database_time: datetime | None = None
    orders_last_second: int = 0
    is_duplicate: bool = False
    person_trades_today: int | None = None
    balance: Balance | None = None
    """The cash of the order's currency; None where there never was any."""
    is_taken: bool = False
    """Whether an order of the same client id is there already."""
    live_permitted: bool = False
    """Whether auth says that the owner may trade with real money; read for a live account only."""
    tallies: Mapping[Scope, Tally] = field(default_factory=dict)
    """Over several accounts, of those whose limits ask for it."""
