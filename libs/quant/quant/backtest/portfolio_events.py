"""Portfolios on the exchange that paper orders trade on: fills from `quant.matching`, costs to the won, by date.

It chooses as the compiled loop does, and where costs are none it trades as it does, which a property test holds it to.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import numpy as np

from quant.backtest import core
from quant.backtest.guard import NO_BOUNDS, Guard
from quant.backtest.portfolio import PortfolioResult, PortfolioSpec, ends_of, result_of
from quant.backtest.strategy import REASONS, ExitReason, RoundTrip
from quant.backtest.venue import Day, Execution, Venue
from quant.bars import Mask
from quant.choices import Universe, choices_of
from quant.fees import Trade, fees_for
from quant.markets.listing import Side, currency_of, market_of
from quant.risk import Bounds

_NONE = Decimal(0)


def run_portfolio_event_driven(universe: Universe, spec: PortfolioSpec, bounds: Bounds = NO_BOUNDS) -> PortfolioResult:
    """Test a portfolio on the exchange, within the bounds of an account. RuleError for rules that cannot be read;
    OffCalendar (a ValueError) for trading on a day that is no session in the market's calendar.
    """
    made, chosen = choices_of(universe, spec)
    replay = _Replay(universe, spec, bounds)
    ends = ends_of(universe)
    wanted: list[int] | None = None
    for day in range(len(universe.days)):
        before = replay.cash
        replay.begin(day)
        replay.sell_at_open(ends <= day, wanted is not None)
        for symbol in wanted or ():
            replay.buy(symbol)
        replay.protect()
        replay.close(before)
        wanted = None if made[day] < 0 else [symbol for symbol in chosen[made[day]].tolist() if symbol >= 0]
        if wanted is not None:
            replay.want(frozenset(wanted))
    replay.value_what_is_held()
    curve, sums = np.array(replay.days), (replay.values["buy"], replay.values["sell"], replay.unfilled)
    result = result_of(universe, spec, (replay.trades, curve, sums), chosen)
    return replace(result, refused=tuple(replay.guard.refused))


@dataclass(slots=True)
class _Held:
    """A position: how it came, what of it went, and where it is protected."""

    shares: int = 0
    purchases: list[Execution] = field(default_factory=list)
    sales: list[Execution] = field(default_factory=list)
    stop: Decimal | None = None
    target: Decimal | None = None
    leaving: ExitReason | None = None

    @property
    def entry_price(self) -> Decimal:
        return _mean(self.purchases)


class _Replay:
    """One portfolio on its way through the days."""

    def __init__(self, universe: Universe, spec: PortfolioSpec, bounds: Bounds) -> None:
        self._universe, self._spec = universe, spec
        self._frame, self._traded = universe.panel.frame, universe.traded
        share = None if spec.volume_share is None else Decimal(repr(spec.volume_share))
        slippage = Decimal(repr(spec.slippage))
        self._venues = [
            Venue(board, kind, spec.schedule, slippage, share)
            for board, kind in zip(universe.boards, universe.kinds, strict=True)
        ]
        self._last = np.full(len(universe.panel), -1)
        self._today = self._last
        self._sessions: dict[int, Day] = {}
        self._held: dict[int, _Held] = {}
        self._target = 0.0
        self.cash = Decimal(repr(float(spec.initial_cash)))
        self.guard = Guard(bounds, currency_of(market_of(universe.boards[0])), self.cash)
        self.days: list[tuple[float, float]] = []
        self.trades: list[tuple[str, RoundTrip]] = []
        self.values = {"buy": 0.0, "sell": 0.0}
        self.unfilled = 0

    def begin(self, day: int) -> None:
        """A new day: nothing has been traded on it."""
        self._today = self._universe.place[day]
        self._last = np.where(self._today >= 0, self._today, self._last)
        self._sessions = {}

    def sell_at_open(self, ended: Mask, is_rebalancing: bool) -> None:  # noqa: FBT001 - a fact of the day
        """What is to leave, what is above its target, and what was delisted."""
        spec = self._spec
        for symbol, held in sorted(self._held.items()):
            if self._today[symbol] < 0 and ended[symbol]:
                self._pay_out(symbol, held)
            elif self._trades(symbol):
                opening = self._number("open", symbol)
                if held.leaving is not None:
                    self._sell(symbol, held, held.shares, self._price("open", symbol), held.leaving)
                elif is_rebalancing and held.shares * opening > self._target * (1 + spec.tolerance):
                    excess = held.shares - int(self._target // opening)
                    if 0 < excess < held.shares:
                        self._sell(symbol, held, excess, self._price("open", symbol), "signal")

    def buy(self, symbol: int) -> None:
        """Up to the target, as far as cash, volume and the price limit allow."""
        held, spec = self._held.get(symbol) or _Held(), self._spec
        if not self._trades(symbol) or held.leaving is not None:
            return
        if held.shares and held.shares * self._number("open", symbol) >= self._target * (1 - spec.tolerance):
            return
        opening, day, venue = self._price("open", symbol), self._session(symbol), self._venues[symbol]
        wanted = day.affordable(Decimal(repr(self._target)), opening) - held.shares
        quantity = min(wanted, day.affordable(self.cash, opening))
        if quantity <= 0:
            return
        if not self.guard.lets(day.on, self._name(symbol), "buy", quantity, opening):
            return
        done = day.trade("buy", quantity, None if self._is_locked("buy", symbol) else opening)
        self._book(symbol, quantity, done)
        held.purchases += done
        held.shares += sum(one.quantity for one in done)
        if held.shares:
            price, on = held.entry_price, day.on
            held.stop = venue.stop_below(price, spec.stop_loss, on) if spec.stop_loss else None
            held.target = venue.target_above(price, spec.take_profit, on) if spec.take_profit else None
            self._held[symbol] = held

    def protect(self) -> None:
        """Within the bars stops are looked at before targets, and a gap beyond one trades at the open."""
        for symbol, held in sorted(self._held.items()):
            if not self._trades(symbol) or held.leaving is not None:
                continue
            opening, low, high = (self._price(name, symbol) for name in ("open", "low", "high"))
            if held.stop is not None and low <= held.stop:
                self._sell(symbol, held, held.shares, min(opening, held.stop), "stop_loss")
                held.leaving = "stop_loss" if held.shares else None
            elif held.target is not None and high >= held.target:
                self._sell(symbol, held, held.shares, max(opening, held.target), "take_profit")

    def close(self, before: Decimal) -> None:
        """The worth of everything, and what cash the day brought."""
        closes = self._frame["close"]
        worth = sum(held.shares * float(closes[self._last[symbol]]) for symbol, held in sorted(self._held.items()))
        self.days.append((float(self.cash) + worth, float(self.cash - before)))

    def want(self, chosen: frozenset[int]) -> None:
        """What is held, traded today and was not chosen is to leave; what did not trade stays as it is."""
        self._target = self.days[-1][0] * self._spec.portion / self._spec.positions
        for symbol, held in self._held.items():
            if self._trades(symbol):
                if symbol not in chosen:
                    held.leaving = held.leaving or "signal"
                elif held.leaving == "signal":
                    held.leaving = None

    def value_what_is_held(self) -> None:
        """At the end: positions at their last close, without the costs of selling them."""
        for symbol, held in sorted(self._held.items()):
            on = self._universe.panel.dates[self._last[symbol]].item()
            price = Decimal(repr(float(self._frame["close"][self._last[symbol]])))
            held.sales.append(Execution(on, "sell", held.shares, price, _NONE, _NONE, on))
            self._write(symbol, held, REASONS[core.STILL_OPEN])

    # Trading

    def _trades(self, symbol: int) -> bool:
        row = self._today[symbol]
        return bool(row >= 0 and self._traded[row])

    def _number(self, name: str, symbol: int) -> float:
        return float(self._frame[name][self._today[symbol]])

    def _price(self, name: str, symbol: int) -> Decimal:
        return Decimal(repr(self._number(name, symbol)))

    def _session(self, symbol: int) -> Day:
        if symbol not in self._sessions:
            row, panel = int(self._today[symbol]), self._universe.panel
            before = None if row == panel.starts[symbol] else Decimal(repr(float(self._frame["close"][row - 1])))
            on: date = panel.dates[row].item()
            self._sessions[symbol] = Day(self._venues[symbol], on, before, float(self._frame["volume"][row]))
        return self._sessions[symbol]

    def _is_locked(self, side: Side, symbol: int) -> bool:
        return self._session(symbol).is_locked(side, self._price("low", symbol), self._price("high", symbol))

    def _sell(self, symbol: int, held: _Held, quantity: int, price: Decimal, reason: ExitReason) -> None:
        day = self._session(symbol)
        if not self.guard.lets(day.on, self._name(symbol), "sell", quantity, price):
            return
        done = day.trade("sell", quantity, None if self._is_locked("sell", symbol) else price)
        self._book(symbol, quantity, done)
        held.sales += done
        held.shares -= sum(one.quantity for one in done)
        if not held.shares:
            self._write(symbol, held, reason)
            del self._held[symbol]

    def _pay_out(self, symbol: int, held: _Held) -> None:
        """What was still held of a symbol when it left the exchange goes for its last close."""
        venue, on = self._venues[symbol], self._universe.panel.dates[self._last[symbol]].item()
        price, market = Decimal(repr(float(self._frame["close"][self._last[symbol]]))), market_of(venue.board)
        trade = Trade(market, venue.board, venue.kind, "sell", Decimal(held.shares), price, on)
        costs = fees_for(trade, venue.schedule)
        paid = Execution(on, "sell", held.shares, price, costs.fee, costs.taxes, on)
        self.cash += paid.cash_flow
        self.guard.book(self._name(symbol), paid)
        self.values["sell"] += float(paid.quantity * paid.price)
        held.sales.append(paid)
        self._write(symbol, held, "delisted")
        del self._held[symbol]

    # Bookkeeping

    def _name(self, symbol: int) -> str:
        return self._universe.panel.symbols[symbol]

    def _book(self, symbol: int, wanted: int, done: list[Execution]) -> None:
        self.unfilled += sum(one.quantity for one in done) < wanted
        for one in done:
            self.guard.book(self._name(symbol), one)
            self.cash += one.cash_flow
            self.values[one.side] += float(one.quantity * one.price)

    def _write(self, symbol: int, held: _Held, reason: ExitReason) -> None:
        shares = sum(one.quantity for one in held.purchases)
        costs = sum((one.costs for one in (*held.purchases, *held.sales)), _NONE)
        paid = sum((one.quantity * one.price for one in held.purchases), _NONE)
        profit = sum((one.quantity * one.price for one in held.sales), _NONE) - paid - costs
        trip = RoundTrip(
            entry_date=held.purchases[0].on,
            exit_date=held.sales[-1].on,
            shares=shares,
            entry_price=float(held.entry_price),
            exit_price=float(_mean(held.sales)),
            costs=float(costs),
            profit=float(profit),
            profit_rate=float(profit / (paid + sum((one.costs for one in held.purchases), _NONE))),
            reason=reason,
        )
        self.trades.append((self._name(symbol), trip))


def _mean(executions: list[Execution]) -> Decimal:
    value = sum((one.quantity * one.price for one in executions), _NONE)
    return value / sum(one.quantity for one in executions)
