"""The yearly statement: what sales realised and dividends brought, in the year the money moved.

The law reckons by the settlement date, and so does this. Two methods say what sold shares had cost: the moving average,
as Korean brokers show it, or the oldest purchase first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from quant.markets.listing import Currency

from trading.domain.history import Booking, Sold, sales_at_average_cost, sales_from_oldest_lots
from trading.domain.request import AccountId

ZERO: Final = Decimal(0)
Method = Literal["average", "fifo"]


@dataclass(frozen=True, slots=True)
class Dividends:
    """Dividends of a year in one currency: gross, and what was withheld."""

    currency: Currency
    gross: Decimal
    withheld: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A year in one currency."""

    currency: Currency
    sales: int
    sold: Decimal
    cost: Decimal
    fee: Decimal
    tax: Decimal
    gain: Decimal
    loss: Decimal
    dividends: Decimal
    withheld: Decimal

    @property
    def profit(self) -> Decimal:
        """Gains less losses, all costs counted, dividends left out."""
        return self.gain - self.loss


def sales_of(
    histories: Iterable[tuple[AccountId, Sequence[Booking]]], year: int, method: Method
) -> list[tuple[AccountId, Sold]]:
    """The sales of several accounts that settled in a year, by settlement date."""
    sales: list[tuple[AccountId, Sold]] = []
    for account_id, bookings in histories:
        oldest_first = method == "fifo"
        found = sales_from_oldest_lots(bookings) if oldest_first else sales_at_average_cost(account_id, bookings)
        sales += [(account_id, sale) for sale in found if sale.settles_on.year == year]
    return sorted(sales, key=lambda item: (item[1].settles_on, item[1].booked))


def totals_of(sales: Iterable[Sold], dividends: Iterable[Dividends]) -> list[Total]:
    """Add up a year by currency."""
    sold, paid = list(sales), {item.currency: item for item in dividends}
    currencies = sorted({*(sale.currency for sale in sold), *paid})
    return [_total(currency, [sale for sale in sold if sale.currency == currency], paid) for currency in currencies]


def _total(currency: Currency, sales: Sequence[Sold], paid: dict[Currency, Dividends]) -> Total:
    dividends = paid.get(currency, Dividends(currency, ZERO, ZERO))
    return Total(
        currency=currency,
        sales=len(sales),
        sold=sum((sale.quantity * sale.price for sale in sales), ZERO),
        cost=sum((sale.cost for sale in sales), ZERO),
        fee=sum((sale.fee for sale in sales), ZERO),
        tax=sum((sale.tax for sale in sales), ZERO),
        gain=sum((sale.profit for sale in sales if sale.profit > 0), ZERO),
        loss=-sum((sale.profit for sale in sales if sale.profit < 0), ZERO),
        dividends=dividends.gross,
        withheld=dividends.withheld,
    )
