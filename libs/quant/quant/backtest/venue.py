"""Where an event-driven backtest trades: each day's exchange with its rules, costs to the won, settlement."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from quant.fees import Trade, commission_rate, fees_for, settlement_date
from quant.markets.bands import price_band
from quant.markets.calendar import is_session
from quant.markets.listing import Board, Kind, Market, Side, market_of
from quant.markets.ticks import ceil_to_tick, floor_to_tick
from quant.matching import Exchange, Order, Outside, Refusal, Rules

ENDLESS: Final = Decimal(10) ** 11
"""What the market outside offers when nobody limits our share of its volume."""


@dataclass(frozen=True, slots=True)
class Venue:
    """What is traded where, at whose prices.

    Attributes:
        schedule: the commission, one of `quant.fees.SCHEDULES`.
        slippage: by which fraction market orders trade worse than the price shown.
        volume_share: the part of a bar's volume that we may be; what goes beyond it is not filled that day.
    """

    board: Board
    kind: Kind = "stock"
    schedule: str = "default"
    slippage: Decimal = Decimal(0)
    volume_share: Decimal | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.slippage < 1:
            raise ValueError(f"slippage is a fraction from 0 to less than 1, not {self.slippage}")
        if self.volume_share is not None and not 0 < self.volume_share <= 1:
            raise ValueError(f"volume_share is a fraction above 0 and at most 1, not {self.volume_share}")

    def stop_below(self, price: Decimal, fraction: float, on: date) -> Decimal:
        """The grid price at or below a loss of `fraction`."""
        return floor_to_tick(price * (1 - Decimal(repr(fraction))), self.board, self.kind, on)

    def target_above(self, price: Decimal, fraction: float, on: date) -> Decimal:
        """The grid price at or above a gain of `fraction`."""
        return ceil_to_tick(price * (1 + Decimal(repr(fraction))), self.board, self.kind, on)


class Execution(NamedTuple):
    """One fill: shares, a price and costs in the market's currency, and when cash and shares change hands."""

    on: date
    side: Side
    quantity: int
    price: Decimal
    fee: Decimal
    tax: Decimal
    settles: date

    @property
    def costs(self) -> Decimal:
        return self.fee + self.tax

    @property
    def cash_flow(self) -> Decimal:
        """What it brings (a sale) or takes (a buy)."""
        value = self.quantity * self.price
        return (value if self.side == "sell" else -value) - self.costs


class Unfilled(NamedTuple):
    """What an order could not get on a day, and why: `no_counterparty` at a price limit, `volume`, or a refusal."""

    on: date
    side: Side
    quantity: int
    reason: str


class OffCalendar(ValueError):
    """A bar on a day on which the exchange does not trade, or beyond the years its calendar knows."""


class Day:
    """One session: an exchange of `quant.matching`, shown the prices of the bar one after another."""

    def __init__(self, venue: Venue, on: date, before: Decimal | None, volume: float) -> None:
        market = market_of(venue.board)
        if not _is_session(market, on):
            raise OffCalendar(f"{on} is not a session in the calendar of {market}")
        self.venue = venue
        self.on = on
        self.band = None if before is None else price_band(before, venue.board, on, venue.kind)
        share = venue.volume_share
        self.left = ENDLESS if share is None else Decimal(repr(volume)) * share // 1
        rules = Rules(venue.board, venue.kind, on, self.band)
        self.exchange = Exchange(rules, phase="continuous", base_price=before)
        self.unfilled: list[Unfilled] = []

    def is_locked(self, side: Side, low: Decimal, high: Decimal) -> bool:
        """Whether the whole bar stood at the price limit where nobody is on the other side."""
        if self.band is None:
            return False
        return low >= self.band.upper if side == "buy" else high <= self.band.lower

    def trade(self, side: Side, quantity: int, shown: Decimal | None, limit: Decimal | None = None) -> list[Execution]:
        """Send an order for now or never against `shown` (None: nobody is there), and what it got."""
        size = self.left if shown is not None else Decimal(0)
        price, slippage = shown, self.venue.slippage
        if shown is not None and limit is None and slippage:
            price = shown * (1 + slippage if side == "buy" else 1 - slippage)
        outside = Outside(ask=price, ask_size=size) if side == "buy" else Outside(bid=price, bid_size=size)
        self.exchange.quote(outside, last=shown)
        outcome = self.exchange.enter(Order(side, side, Decimal(quantity), limit, "ioc"))
        if isinstance(outcome, Refusal):
            self.unfilled.append(Unfilled(self.on, side, quantity, outcome.code))
            return []
        done = [self._execution(side, int(filled), price) for _, price, filled in outcome.fills]
        missing = quantity - sum(execution.quantity for execution in done)
        self.left -= quantity - missing
        if missing:
            self.unfilled.append(Unfilled(self.on, side, missing, "no_counterparty" if shown is None else "volume"))
        return done

    def _execution(self, side: Side, quantity: int, price: Decimal) -> Execution:
        venue, market = self.venue, market_of(self.venue.board)
        trade = Trade(market, venue.board, venue.kind, side, Decimal(quantity), price, self.on)
        costs = fees_for(trade, venue.schedule)
        return Execution(self.on, side, quantity, price, costs.fee, costs.taxes, settlement_date(market, self.on))

    def affordable(self, budget: Decimal, shown: Decimal) -> int:
        """Whole shares that a budget buys at the price shown, costs included."""
        venue = self.venue
        price, market = shown * (1 + venue.slippage), market_of(venue.board)

        def cost(quantity: int) -> Decimal:
            trade = Trade(market, venue.board, venue.kind, "buy", Decimal(quantity), price, self.on)
            return trade.value + fees_for(trade, venue.schedule).total

        # truncated costs leave less than one unit of the currency over: no more than this can be paid
        quantity = int((budget + 1) // (price * (1 + commission_rate(market, venue.schedule))))
        while quantity > 0 and (excess := cost(quantity) - budget) > 0:
            quantity -= max(1, int(excess // price))
        return max(quantity, 0)


def _is_session(market: Market, on: date) -> bool:
    try:
        return is_session(market, on)
    except ValueError:
        return False
