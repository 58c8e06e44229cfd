"""The event-driven engine: bars replayed one by one through the exchange that paper orders trade on.

Every fill comes from `quant.matching`, every cost from `quant.fees`, to the won and by date. Where no rule of the
exchange binds and costs are none, it trades as the compiled loop does, which a property test holds it to.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quant.backtest import core
from quant.backtest.costs import CostRates
from quant.backtest.guard import UNLIMITED, Guard, Limited, Refused
from quant.backtest.strategy import REASONS, ExitReason, Result, RoundTrip, StrategySpec, check_sizes, figures_of
from quant.backtest.venue import Day, Execution, Unfilled, Venue
from quant.bars import Bars, Mask, Series
from quant.markets.listing import currency_of, market_of
from quant.rules import compile_rule

_NONE: Final = Decimal(0)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_STEP: Final = 64
"""Bars looked through at first for one that reaches a stop."""


@dataclass(frozen=True, slots=True, eq=False)
class EventResult:
    """What a run on the exchange came to.

    Attributes:
        result: trades, equity and figures, as of the compiled loop.
        executions: every fill, oldest first; `result.trades` sums them up by position.
        unfilled: what orders could not get.
        settled_cash: cash that has changed hands, at each close; sales of the last two sessions are still to come.
        refused: orders that the account's bounds did not let through.
    """

    result: Result
    executions: tuple[Execution, ...]
    unfilled: tuple[Unfilled, ...]
    settled_cash: Series
    refused: tuple[Refused, ...] = ()


def run_event_driven(bars: Bars, spec: StrategySpec, venue: Venue, limited: Limited = UNLIMITED) -> EventResult:
    """Test a strategy on the exchange. RuleError for rules that cannot be read; OffCalendar (a
    ValueError) for trading on a bar whose day is no session in the market's calendar, 1999 to 2028.

    An order that a price limit or our share of the volume leaves open is over that day; what a sale left is sold at
    the next open, what a buy left is not bought. A buy is sized by the price at which it trades. An order that a bound
    refuses is over as well: a buy is not bought, a sale is tried again at the next open.
    """
    check_sizes(bars, CostRates.free(bars))
    entry, leave = compile_rule(spec.entry), compile_rule(spec.exit)
    frame = bars.frame()
    replay = _Replay(bars, spec, (venue, limited), (entry.mask(frame), leave.mask(frame)))
    replay.go()
    look_back = max(entry.look_back, leave.look_back)
    equity = replay.equity()
    profits = np.array([trade.profit for trade in replay.trades if trade.reason != "open"])
    figures = figures_of(bars, equity, profits, spec.initial_cash, look_back)
    result = Result(tuple(replay.trades), bars.dates, equity, figures)
    unfilled, refused = tuple(replay.unfilled), tuple(replay.guard.refused)
    return EventResult(result, tuple(replay.executions), unfilled, replay.settled(), refused)


@dataclass(slots=True)
class _Position:
    """What is held, how it came and goes, and where it is protected."""

    bought: Execution
    stop: Decimal | None
    target: Decimal | None
    trail: Decimal | None
    peak: float
    shares: int
    age: int = 0
    sales: list[Execution] = field(default_factory=list)
    # The same prices as numbers, for looking at bars on which nothing happens.
    floor: float = 0.0
    ceiling: float = float("inf")


class _Replay:
    """One strategy on its way through the bars.

    Attributes:
        trades, executions, unfilled: as in the results.
        guard: the account's bounds.
    """

    def __init__(
        self, bars: Bars, spec: StrategySpec, where: tuple[Venue, Limited], signals: tuple[Mask, Mask]
    ) -> None:
        traded, (venue, limited) = bars.traded, where
        self._bars = bars
        self._spec = spec
        self._venue = venue
        self._entries, self._exits = signals
        self._touched_by = (np.where(traded, bars.low, np.inf), np.where(traded, bars.high, 0.0))
        self._sessions: list[int] = np.flatnonzero(traded).tolist()
        self._starts: list[int] = np.flatnonzero(traded & self._entries & ~self._exits).tolist()
        self._ends: list[int] = np.flatnonzero(traded & self._exits).tolist()
        # with neither, a position that nothing touches only grows older
        self._watches = spec.trailing_stop is not None or spec.holding_bars is not None
        self._wants_in = False
        self._cash = Decimal(repr(float(spec.initial_cash)))
        self._symbol = limited.symbol
        self.guard = Guard(limited.bounds, currency_of(market_of(venue.board)), self._cash)
        self._balances = [float(self._cash)]
        self._position: _Position | None = None
        self._leaving: ExitReason | None = None
        self._day: Day | None = None
        self.trades: list[RoundTrip] = []
        self.executions: list[Execution] = []
        self.unfilled: list[Unfilled] = []

    def go(self) -> None:
        """Live through the bars on which something can happen; a signal is as of its bar's close."""
        bar = self._next(0)
        while bar < len(self._bars):
            self._live(bar)
            if self._day is not None:
                self.unfilled += self._day.unfilled
                self._day = None
            bar = self._next(bar + 1)
        self._close_book()

    def equity(self) -> Series:
        """Cash and what is held at each close."""
        signed = [one.quantity if one.side == "buy" else -one.quantity for one in self.executions]
        held = np.cumsum([0, *signed])
        done = self._counted([one.on for one in self.executions])
        return np.asarray(np.array(self._balances)[done] + held[done] * self._bars.close)

    def settled(self) -> Series:
        """Cash that has changed hands at each close: what happened first settles first."""
        return np.asarray(np.array(self._balances)[self._counted([one.settles for one in self.executions])])

    def _counted(self, days: list[date]) -> NDArray[np.intp]:
        """How many of these days have come at each bar."""
        count = len(self._bars)
        ordinals = np.array([day.toordinal() for day in days], dtype=np.int64)
        places = np.searchsorted(self._bars.dates.astype(np.int64), ordinals - _EPOCH)
        return np.asarray(np.cumsum(np.bincount(places, minlength=count + 1))[:count])

    def _next(self, bar: int) -> int:
        """The first bar from this one on to be lived through; the number of bars when there is none."""
        position = self._position
        if position is None:
            if not self._wants_in:
                # the close that asks for a buy is no bar to live through: the next session is
                bar = _first(self._starts, bar, len(self._bars)) + 1
                self._wants_in = True
            return _first(self._sessions, bar, len(self._bars))
        if self._watches or self._leaving:
            return _first(self._sessions, bar, len(self._bars))
        return self._first_touch(position, bar, _first(self._ends, bar, len(self._bars)))

    def _first_touch(self, position: _Position, bar: int, end: int) -> int:
        """The first bar before `end` that reaches a stop or a target, or `end`; looked for in growing steps."""
        if position.floor <= 0 and position.ceiling == np.inf:
            return end
        lows, highs = self._touched_by
        step = _STEP
        while bar < end:
            until = min(bar + step, end)
            touched = (lows[bar:until] <= position.floor) | (highs[bar:until] >= position.ceiling)
            if touched.any():
                return bar + int(touched.argmax())
            bar, step = until, step * 2
        return end

    def _live(self, bar: int) -> None:
        """One session: the open, what happens within the bar, and what its close asks for."""
        leaving = self._leaving
        if leaving is not None and self._position is not None:
            self._sell(bar, leaving, _price(self._bars.open, bar))
        elif self._wants_in and self._position is None:
            self._buy(bar)
        position = self._position
        if position is not None and leaving is None and self._is_touched(bar, position):
            self._protect(bar, position)
        if self._position is not None:
            self._grow_older(bar, self._position)
        self._wants_in = bool(self._entries[bar] and not self._exits[bar])

    def _is_touched(self, bar: int, position: _Position) -> bool:
        lows, highs = self._touched_by
        return bool(lows[bar] <= position.floor or highs[bar] >= position.ceiling)

    # Trading

    def _today(self, bar: int) -> Day:
        if self._day is None:
            bars = self._bars
            before = _price(bars.close, bar - 1) if bar else None
            self._day = Day(self._venue, bars.dates[bar].item(), before, bars.volume.item(bar))
        return self._day

    def _buy(self, bar: int) -> None:
        day, spec, opening = self._today(bar), self._spec, _price(self._bars.open, bar)
        quantity = day.affordable(self._cash * Decimal(repr(spec.portion)), opening)
        if not quantity or not self.guard.lets(day.on, self._symbol, "buy", quantity, opening):
            return
        locked = day.is_locked("buy", _price(self._bars.low, bar), _price(self._bars.high, bar))
        for bought in day.trade("buy", quantity, None if locked else opening):
            self._book(bought)
            price, on = bought.price, day.on
            stop = self._venue.stop_below(price, spec.stop_loss, on) if spec.stop_loss else None
            target = self._venue.target_above(price, spec.take_profit, on) if spec.take_profit else None
            trail = self._venue.stop_below(price, spec.trailing_stop, on) if spec.trailing_stop else None
            position = _Position(bought, stop, target, trail, float(price), bought.quantity)
            self._position = _watched(position)

    def _sell(self, bar: int, reason: ExitReason, price: Decimal, limit: Decimal | None = None) -> None:
        position, day = self._position, self._today(bar)
        assert position is not None, "only what is held is sold"
        self._leaving = reason if limit is None else None
        if not self.guard.lets(day.on, self._symbol, "sell", position.shares, limit or price):
            return
        locked = day.is_locked("sell", _price(self._bars.low, bar), _price(self._bars.high, bar))
        for sold in day.trade("sell", position.shares, None if locked else price, limit):
            self._book(sold)
            position.sales.append(sold)
            position.shares -= sold.quantity
        if not position.shares:
            self.trades.append(_round_trip(position, reason))
            self._position = self._leaving = None

    def _protect(self, bar: int, position: _Position) -> None:
        """Within the bar the stops are looked at before the target, and a gap beyond one trades at the open."""
        opening = _price(self._bars.open, bar)
        stop = max(position.stop or _NONE, position.trail or _NONE)
        if self._bars.low[bar] <= position.floor:
            is_trailing = (position.trail or _NONE) > (position.stop or _NONE)
            self._sell(bar, "trailing_stop" if is_trailing else "stop_loss", min(opening, stop))
        elif position.target is not None:
            self._sell(bar, "take_profit", max(opening, position.target), position.target)

    def _grow_older(self, bar: int, position: _Position) -> None:
        position.age += 1
        trailing, high = self._spec.trailing_stop, self._bars.high.item(bar)
        if trailing and high > position.peak:
            position.peak = high
            trail = self._venue.stop_below(Decimal(repr(high)), trailing, self._bars.dates[bar].item())
            position.trail = max(position.trail or _NONE, trail)
            _watched(position)
        holding = self._spec.holding_bars
        if self._exits[bar]:
            self._leaving = self._leaving or "signal"
        elif holding is not None and position.age >= holding:
            self._leaving = self._leaving or "time"

    # Bookkeeping

    def _book(self, execution: Execution) -> None:
        self._cash += execution.cash_flow
        self.guard.book(self._symbol, execution)
        self._balances.append(float(self._cash))
        self.executions.append(execution)

    def _close_book(self) -> None:
        """Value what is still held at the last close, without the costs of selling it."""
        position, last = self._position, len(self._bars) - 1
        if position is not None:
            price = _price(self._bars.close, last)
            settles = position.bought.settles
            shown = Execution(self._bars.dates[last].item(), "sell", position.shares, price, _NONE, _NONE, settles)
            position.sales.append(shown)
            self.trades.append(_round_trip(position, REASONS[core.STILL_OPEN]))


def _price(column: Series, bar: int) -> Decimal:
    return Decimal(repr(column.item(bar)))


def _first(places: list[int], bar: int, otherwise: int) -> int:
    """The first of rising places that is not before a bar."""
    found = bisect_left(places, bar)
    return places[found] if found < len(places) else otherwise


def _watched(position: _Position) -> _Position:
    position.floor = float(max(position.stop or _NONE, position.trail or _NONE))
    position.ceiling = float(position.target) if position.target is not None else float("inf")
    return position


def _round_trip(position: _Position, reason: ExitReason) -> RoundTrip:
    """One position from its buy to its last sale; several sales have their mean price."""
    bought, sales = position.bought, position.sales
    costs = bought.costs + sum((sold.costs for sold in sales), _NONE)
    paid, received = bought.quantity * bought.price, sum((sold.quantity * sold.price for sold in sales), _NONE)
    profit = received - paid - costs
    return RoundTrip(
        entry_date=bought.on,
        exit_date=sales[-1].on,
        shares=bought.quantity,
        entry_price=float(bought.price),
        exit_price=float(received / bought.quantity),
        costs=float(costs),
        profit=float(profit),
        profit_rate=float(profit / (paid + bought.costs)),
        reason=reason,
    )
