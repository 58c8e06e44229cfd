"""An account as a broker shows it."""

from dataclasses import dataclass
from decimal import Decimal

from quant.markets.listing import Currency


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of one symbol, and what they cost on average."""

    symbol: str
    quantity: Decimal
    average_price: Decimal


@dataclass(frozen=True, slots=True)
class BuyingPower:
    """What may be spent on shares of one symbol without borrowing, and how many that buys at the price asked for."""

    amount: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """Cash today and on the two settlement days that follow, and everything held."""

    cash: Decimal
    cash_next_day: Decimal
    cash_second_day: Decimal
    holdings: tuple[Holding, ...]
    currency: Currency = "KRW"
    account: str = ""
    """The account's number where the broker tells it; elsewhere it is given with the keys."""
