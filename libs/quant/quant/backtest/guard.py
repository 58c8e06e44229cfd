"""A backtest's risk review: before each order the bounds of `quant.risk` are asked, with the account as it stands then.

It knows what trading reads from its rows: positions at cost, cash, what the day has realised, how many orders it saw.
An order of a backtest is for now or never, so none is open while the next is asked about.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from quant.backtest.venue import Execution
from quant.fees import cost_of_part
from quant.markets.listing import Currency, Side
from quant.risk import Bounds, Stand, Why, review

_NONE: Final = Decimal(0)
NO_BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Limited:
    """What a strategy of one symbol is bounded by, and the symbol, which bounds may be about."""

    symbol: str
    bounds: Bounds


UNLIMITED: Final = Limited("", NO_BOUNDS)


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that was not sent: which bound, by the name paper gives it, and the sentence with the figures."""

    on: date
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    why: Why
    detail: str


@dataclass(frozen=True, slots=True)
class _Wish:
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    currency: Currency
    limits: Bounds
    standing: Stand
    is_replacement: bool = False

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price


class Guard:
    """Asks for one account with so much cash; `refused` has what it did not let through, oldest first."""

    def __init__(self, bounds: Bounds, currency: Currency, cash: Decimal) -> None:
        self._bounds, self._currency, self._cash = bounds, currency, cash.normalize()
        self._shares: dict[str, int] = {}
        self._costs: dict[str, Decimal] = {}
        self._day: date | None = None
        self._orders, self._realized = 0, _NONE
        self.refused: list[Refused] = []

    def lets(self, on: date, symbol: str, side: Side, quantity: int, price: Decimal) -> bool:
        """Whether an order may be sent on a day, judged by its limit or by the price shown; if so it is counted."""
        if self._bounds == NO_BOUNDS:
            return True
        if on != self._day:
            self._day, self._orders, self._realized = on, 0, _NONE
        wish = _Wish(symbol, side, Decimal(quantity), price, self._currency, self._bounds, self._stand(symbol))
        if (refusal := review(wish)) is None:
            self._orders += 1
            return True
        self.refused.append(Refused(on, symbol, side, quantity, price, refusal.why, refusal.detail))
        return False

    def book(self, symbol: str, done: Execution) -> None:
        """Take a fill to the books: positions at moving-average cost, fees of a buy included, as trading keeps them."""
        if self._bounds == NO_BOUNDS:
            return
        self._cash += done.cash_flow
        held, cost = self._shares.get(symbol, 0), self._costs.get(symbol, _NONE)
        if done.side == "buy":
            self._shares[symbol], self._costs[symbol] = held + done.quantity, cost - done.cash_flow
            return
        part = cost_of_part(cost, Decimal(done.quantity), Decimal(held))
        self._shares[symbol], self._costs[symbol] = held - done.quantity, cost - part
        if done.on == self._day:  # what a delisting pays is of no day of trading
            self._realized += done.cash_flow - part

    def _stand(self, symbol: str) -> Stand:
        invested = sum(self._costs.values(), _NONE)
        return Stand(
            open_orders=0,
            open_value=_NONE,
            trades_today=self._orders,
            realized_today=self._realized,
            quantity=Decimal(self._shares.get(symbol, 0)),
            being_bought=_NONE,
            invested=invested,
            equity=self._cash + invested,
        )
