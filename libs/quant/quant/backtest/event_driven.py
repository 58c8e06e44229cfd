"""The event-driven engine: bars replayed one by one through the exchange that paper orders trade on.

Every fill comes from `quant.matching`, every cost from `quant.fees`, to the won and by date. Where no rule of the
exchange binds and costs are none, it trades as the compiled loop does, which a property test holds it to.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np

from quant.backtest import core
from quant.backtest.costs import CostRates
from quant.backtest.strategy import REASONS, ExitReason, Result, RoundTrip, StrategySpec, check_sizes, figures_of
from quant.backtest.venue import Day, Execution, Unfilled, Venue
from quant.bars import Bars, Series
from quant.rules import compile_rule

_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True, eq=False)
class EventResult:
    """What a run on the exchange came to.

    Attributes:
        result: trades, equity and figures, as of the compiled loop.
        executions: every fill, oldest first; `result.trades` sums them up by position.
        unfilled: what orders could not get.
        settled_cash: cash that has changed hands, at each close; sales of the last two sessions are still to come.
    """

    result: Result
    executions: tuple[Execution, ...]
    unfilled: tuple[Unfilled, ...]
    settled_cash: Series


def run_event_driven(bars: Bars, spec: StrategySpec, venue: Venue) -> EventResult:
    """Test a strategy on the exchange. RuleError for rules that cannot be read; OffCalendar (a
    ValueError) for trading on a bar whose day is no session in the market's calendar, 1999 to 2028.

    An order that a price limit or our share of the volume leaves open is over that day; what a sale left is sold at
    the next open, what a buy left is not bought. A buy is sized by the price at which it trades.
    """
    check_sizes(bars, CostRates.free(bars))
    entry, leave = compile_rule(spec.entry), compile_rule(spec.exit)
    frame = bars.frame()
    replay = _Replay(bars, spec, venue, (entry.mask(frame).tolist(), leave.mask(frame).tolist()))
    replay.go()
    look_back = max(entry.look_back, leave.look_back)
    equity = np.array(replay.equity)
    profits = np.array([trade.profit for trade in replay.trades if trade.reason != "open"])
    figures = figures_of(bars, equity, profits, spec.initial_cash, look_back)
    result = Result(tuple(replay.trades), bars.dates, equity, figures)
    return EventResult(result, tuple(replay.executions), tuple(replay.unfilled), np.array(replay.settled))


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
    """One strategy on its way through the bars."""

    def __init__(self, bars: Bars, spec: StrategySpec, venue: Venue, signals: tuple[list[bool], list[bool]]) -> None:
        self._bars = bars
        self._spec = spec
        self._venue = venue
        self._columns = [column.tolist() for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)]
        self._dates: list[date] = bars.dates.tolist()
        self._entries, self._exits = signals
        self._wants_in = False
        self._cash = Decimal(repr(float(spec.initial_cash)))
        self._unsettled: list[Execution] = []
        self._position: _Position | None = None
        self._leaving: ExitReason | None = None
        self._day: Day | None = None
        self.equity: list[float] = []
        self.settled: list[float] = []
        self.trades: list[RoundTrip] = []
        self.executions: list[Execution] = []
        self.unfilled: list[Unfilled] = []

    def go(self) -> None:
        """Live through all bars; a signal is as of its bar's close."""
        traded, closes = self._bars.traded.tolist(), self._columns[3]
        highs, lows, entries, exits = self._columns[1], self._columns[2], self._entries, self._exits
        # with neither, a position that nothing touches only grows older
        watches = self._spec.trailing_stop is not None or self._spec.holding_bars is not None
        cash = settled = float(self._cash)
        for bar, close in enumerate(closes):
            has_traded = False
            if traded[bar]:
                held = self._position
                if held is None and not self._wants_in:
                    self._wants_in = entries[bar] and not exits[bar]
                elif (
                    held is not None
                    and held.floor < lows[bar]
                    and highs[bar] < held.ceiling
                    and not (watches or exits[bar] or self._leaving)
                ):
                    held.age += 1
                    self._wants_in = entries[bar]
                else:
                    self._live(bar)
                has_traded = self._day is not None
                if self._day is not None:
                    self.unfilled += self._day.unfilled
                    self._day, cash = None, float(self._cash)
            if self._unsettled and (has_traded or self._unsettled[0].settles <= self._dates[bar]):
                settled = self._settle(self._dates[bar])
            self.equity.append(cash + self._position.shares * close if self._position is not None else cash)
            self.settled.append(settled)
        self._close_book()

    def _live(self, bar: int) -> None:
        """One session: the open, what happens within the bar, and what its close asks for."""
        leaving = self._leaving
        if leaving is not None and self._position is not None:
            self._sell(bar, leaving, self._price(0, bar))
        elif self._wants_in and self._position is None:
            self._buy(bar)
        position = self._position
        if position is not None and leaving is None and self._is_touched(bar, position):
            self._protect(bar, position)
        if self._position is not None:
            self._grow_older(bar, self._position)
        self._wants_in = self._entries[bar] and not self._exits[bar]

    def _is_touched(self, bar: int, position: _Position) -> bool:
        return bool(self._columns[2][bar] <= position.floor or self._columns[1][bar] >= position.ceiling)

    # Trading

    def _today(self, bar: int) -> Day:
        if self._day is None:
            before = Decimal(repr(self._columns[3][bar - 1])) if bar else None
            self._day = Day(self._venue, self._dates[bar], before, self._columns[4][bar])
        return self._day

    def _price(self, column: int, bar: int) -> Decimal:
        return Decimal(repr(self._columns[column][bar]))

    def _buy(self, bar: int) -> None:
        day, spec, opening = self._today(bar), self._spec, self._price(0, bar)
        quantity = day.affordable(self._cash * Decimal(repr(spec.portion)), opening)
        if not quantity:
            return
        locked = day.is_locked("buy", self._price(2, bar), self._price(1, bar))
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
        locked = day.is_locked("sell", self._price(2, bar), self._price(1, bar))
        for sold in day.trade("sell", position.shares, None if locked else price, limit):
            self._book(sold)
            position.sales.append(sold)
            position.shares -= sold.quantity
        self._leaving = reason if limit is None else None
        if not position.shares:
            self.trades.append(_round_trip(position, reason))
            self._position = self._leaving = None

    def _protect(self, bar: int, position: _Position) -> None:
        """Within the bar the stops are looked at before the target, and a gap beyond one trades at the open."""
        opening = self._price(0, bar)
        stop = max(position.stop or _NONE, position.trail or _NONE)
        if self._columns[2][bar] <= position.floor:
            is_trailing = (position.trail or _NONE) > (position.stop or _NONE)
            self._sell(bar, "trailing_stop" if is_trailing else "stop_loss", min(opening, stop))
        elif position.target is not None:
            self._sell(bar, "take_profit", max(opening, position.target), position.target)

    def _grow_older(self, bar: int, position: _Position) -> None:
        position.age += 1
        trailing, high = self._spec.trailing_stop, self._columns[1][bar]
        if trailing and high > position.peak:
            position.peak = high
            trail = self._venue.stop_below(Decimal(repr(high)), trailing, self._dates[bar])
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
        self._unsettled.append(execution)
        self.executions.append(execution)

    def _settle(self, today: date) -> float:
        """What has changed hands by today: cash less what sales still bring, plus what buys still take."""
        self._unsettled = [execution for execution in self._unsettled if execution.settles > today]
        return float(self._cash - sum((execution.cash_flow for execution in self._unsettled), _NONE))

    def _close_book(self) -> None:
        """Value what is still held at the last close, without the costs of selling it."""
        position, last = self._position, len(self._dates) - 1
        if position is not None:
            price = self._price(3, last)
            settles = position.bought.settles
            shown = Execution(self._dates[last], "sell", position.shares, price, _NONE, _NONE, settles)
            position.sales.append(shown)
            self.trades.append(_round_trip(position, REASONS[core.STILL_OPEN]))


def _watched(position: _Position) -> _Position:
    position.floor = float(max(position.stop or _NONE, position.trail or _NONE))
    position.ceiling = float(position.target) if position.target is not None else float("inf")
    return position


def _round_trip(position: _Position, reason: ExitReason) -> RoundTrip:
    """One position from its buy to its last sale; several sales have their mean price."""
    bought, sales = position.bought, position.sales
    costs = bought.costs + sum((sold.costs for sold in sales), _NONE)
    received = sum((sold.quantity * sold.price for sold in sales), _NONE)
    profit = received - bought.quantity * bought.price - costs
    return RoundTrip(
        entry_date=bought.on,
        exit_date=sales[-1].on,
        shares=bought.quantity,
        entry_price=float(bought.price),
        exit_price=float(received / bought.quantity),
        costs=float(costs),
        profit=float(profit),
        profit_rate=float(profit / (bought.quantity * bought.price + bought.costs)),
        reason=reason,
    )
