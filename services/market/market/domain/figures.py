"""What is known of a company beside its prices, and the ratios that follow from its accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

# The ratios of a price and a report, told anew each day, and those of a report alone.
VALUATIONS: Final = ("per", "pbr", "eps", "bps", "dividend_yield")
STATEMENTS: Final = ("roe", "roa", "debt_ratio", "current_ratio")
PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Ratios:
    """Some ratios of a symbol, in percent or in its currency; what is not known is left out."""

    symbol: str
    known_since: date
    values: Mapping[str, Decimal]
    source: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Net buying of a day in the market's currency: together they are zero."""

    symbol: str
    day: date
    known_since: date
    individual: Decimal
    institution: Decimal
    foreigner: Decimal
    corporation: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Something a company filed."""

    receipt_no: str
    symbol: str
    company: str
    title: str
    known_since: date
    source: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """The sums of a balance sheet, and a whole year's profit where the report covers one."""

    assets: Decimal | None = None
    current_assets: Decimal | None = None
    liabilities: Decimal | None = None
    current_liabilities: Decimal | None = None
    equity: Decimal | None = None
    year_profit: Decimal | None = None


def ratios_of(accounts: Accounts) -> dict[str, Decimal]:
    """What follows from the accounts, in percent; nothing is said about a company without equity."""
    pairs = {
        "roe": (accounts.year_profit, accounts.equity),
        "roa": (accounts.year_profit, accounts.assets),
        "debt_ratio": (accounts.liabilities, accounts.equity),
        "current_ratio": (accounts.current_assets, accounts.current_liabilities),
    }
    return {
        name: (part * 100 / whole).quantize(PLACES)
        for name, (part, whole) in pairs.items()
        if part is not None and whole is not None and whole > 0
    }
