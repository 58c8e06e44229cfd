"""The rules of one symbol on one day: ticks, band, lots, phases, and when trading is interrupted."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from quant.markets.bands import Band
from quant.markets.listing import Board, Kind
from quant.markets.ticks import is_on_grid, tick_size
from quant.matching.order import Order, Refusal, TimeInForce

Phase = Literal["closed", "opening", "continuous", "closing", "volatility", "halted", "after"]
"""`opening`, `closing` and `volatility` are call auctions: orders are collected and cross once, when the phase ends.

`after` is a market of its own behind the regular session: it trades continuously and knows limits only; orders of the
regular session have no part in it, and its own end with it."""

AUCTIONS: Final[frozenset[Phase]] = frozenset({"opening", "closing", "volatility"})
_IMMEDIATE: Final[frozenset[TimeInForce]] = frozenset({"ioc", "fok"})


@dataclass(frozen=True, slots=True)
class Interruption:
    """When continuous trading turns into a call auction (global.krx.co.kr, GLB0602010204T9).

    Attributes:
        dynamic: allowed distance from the last trade before the order, as a share of it.
        static: allowed distance from the last single-price auction.
        seconds: how long the auction lasts.
        random_seconds_max: and at most so much longer, by the exchange's dice.
    """

    dynamic: Decimal
    static: Decimal = Decimal("0.10")
    seconds: int = 120
    random_seconds_max: int = 30


LARGE_STOCK: Final = Interruption(Decimal("0.03"))
"""KOSPI 200 members and the funds on the large indices."""
OTHER_STOCK: Final = Interruption(Decimal("0.06"))
"""Everything else on KOSPI, and all of KOSDAQ."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The market outside of us: best prices and what may still be taken there; None and zero for an empty side."""

    bid: Decimal | None = None
    bid_size: Decimal = Decimal(0)
    ask: Decimal | None = None
    ask_size: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one symbol's orders obey on one day.

    Attributes:
        slippage_ticks: by how many ticks orders that take from outside trade worse than shown: a model of what a
            snapshot cannot tell. Never beyond the order's own limit or the day's band.
        interruption: None where the prices come from a market that interrupts itself.
        keeps_accounts_apart: an order that would trade with its own account ends instead.
        takes_market: whether there are orders at market; NXT has none.
    """

    board: Board
    kind: Kind
    on: date
    band: Band | None = None
    lot: Decimal = Decimal(1)
    slippage_ticks: int = 0
    interruption: Interruption | None = None
    keeps_accounts_apart: bool = True
    takes_market: bool = True

    def refuse(self, order: Order, phase: Phase) -> Refusal | None:
        """Why an order may not enter now, whatever its price; None when it may."""
        if phase == "closed":
            return Refusal("market_closed", "The session is closed.")
        if phase == "halted":
            return Refusal("trading_halted", "Trading is halted: only cancels are taken.")
        if order.quantity % self.lot:
            return Refusal("quantity_off_lot", f"The exchange trades multiples of {self.lot}.")
        if order.price is None and (phase == "after" or not self.takes_market):
            return Refusal("order_type_not_allowed", "There are no orders at market here: give a limit price.")
        if phase in AUCTIONS and order.time_in_force in _IMMEDIATE:
            return Refusal("order_type_not_allowed", "In a call auction nothing trades at once: no IOC, no FOK.")
        return None

    def refuse_price(self, price: Decimal) -> Refusal | None:
        """Why no order may carry this price; None when it may."""
        if not is_on_grid(price, self.board, self.kind, self.on):
            return Refusal("price_off_tick", f"{price} is not on the price grid.")
        band = self.band
        if band is not None and price < band.lower:
            return Refusal("price_outside_band", f"The lowest price of the day is {band.lower}.")
        if band is not None and price > band.upper:
            return Refusal("price_outside_band", f"The highest price of the day is {band.upper}.")
        return None

    def slipped(self, order: Order, price: Decimal) -> Decimal:
        """The price at which an order takes what is shown at `price`."""
        if not self.slippage_ticks:
            return price
        sign = 1 if order.side == "buy" else -1
        worse = price + sign * self.slippage_ticks * tick_size(price, self.board, self.kind, self.on)
        limits = [order.price] if order.price is not None else []
        if self.band is not None:
            limits.append(self.band.upper if order.side == "buy" else self.band.lower)
        return min(worse, *limits) if order.side == "buy" else max(worse, *limits)

    def is_interrupted_by(self, price: Decimal, last: Decimal | None, auction: Decimal | None) -> bool:
        """Whether a trade at this price interrupts continuous trading."""
        limits = self.interruption
        if limits is None:
            return False
        return _is_far(price, last, limits.dynamic) or _is_far(price, auction, limits.static)


def _is_far(price: Decimal, reference: Decimal | None, rate: Decimal) -> bool:
    return reference is not None and abs(price - reference) >= reference * rate
