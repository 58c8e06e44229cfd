"""Paper trading and backtests on the same bars: the exchange behind paper accounts fills as the event-driven engine."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from broker.domain.order import Accepted, Execution
from quant.backtest import EventResult, StrategySpec, Venue, run_event_driven
from quant.bars import Bars
from quant.markets.bands import price_band
from quant.markets.calendar import sessions_between
from quant.rules import LiveRule, compile_rule

from services.broker.tests.builders import an_order
from services.broker.tests.floor import Floor

VENUE = Venue("KOSDAQ", volume_share=Decimal("0.1"))
SHOCKS = {40: 1.30, 41: 1.30, 75: 0.70, 76: 0.70, 110: 1.30, 111: 0.70}
"""Bars that open at the day's limit and stay there: nobody is on the other side."""


def a_year() -> Bars:
    """Whole won over a change of the tax rate, with halted days, days at the price limit and thin volume."""
    random = np.random.default_rng(11)
    days = list(sessions_between("KRX", date(2024, 9, 2), date(2026, 1, 1)))[:160]
    rows, close = [], 20_000.0
    for place, day in enumerate(days):
        opening = round(close * np.exp(random.normal(0, 0.01)))
        ending = round(opening * np.exp(random.normal(0, 0.02)))
        low, high = round(min(opening, ending) * 0.99), round(max(opening, ending) * 1.01)
        if place in SHOCKS:
            band = price_band(Decimal(repr(close)), VENUE.board, day)
            assert band is not None
            opening = low = high = ending = int(band.upper if SHOCKS[place] > 1 else band.lower)
        is_halted = place % 37 == 36
        rows.append((0, 0, 0, close) if is_halted else (opening, high, low, ending))
        close = rows[-1][3]
    columns = dict(zip(("open", "high", "low", "close"), np.array(rows, dtype=float).T, strict=True))
    return Bars.of(days, {**columns, "volume": random.integers(3_000, 60_000, len(days))})


@dataclass
class PaperTrader:
    """Follows the rules bar by bar, as an automation does, and trades on the exchange of paper accounts."""

    floor: Floor
    bars: Bars
    spec: StrategySpec
    backtest: EventResult
    fills: list[tuple[date, str, Execution]] = field(default_factory=list)
    held: int = 0
    left: Decimal = Decimal(0)
    """What the day's share of the volume still offers."""

    async def lives_through(self) -> None:
        entry, leave = (LiveRule(compile_rule(rule)) for rule in (self.spec.entry, self.spec.exit))
        wants_in, leaving, stop, target = False, False, Decimal(0), Decimal(0)
        frame = self.bars.frame()
        for bar, has_traded in enumerate(self.bars.traded):
            closed = {name: float(values[bar]) for name, values in frame.items()}
            enters, exits = entry.push(closed), leave.push(closed)
            if not has_traded:
                continue
            self.left = Decimal(repr(closed["volume"])) * (VENUE.volume_share or 1) // 1
            opening, low, high = (Decimal(repr(closed[name])) for name in ("open", "low", "high"))
            was_leaving = leaving
            if leaving:
                await self._sends(bar, "sell", self.held, opening)
            elif wants_in and not self.held:
                await self._sends(bar, "buy", self._size(bar), opening)
                if self.held:
                    price, on = self.fills[-1][2].price, self.fills[-1][0]
                    stop = VENUE.stop_below(price, self.spec.stop_loss or 0, on)
                    target = VENUE.target_above(price, self.spec.take_profit or 0, on)
            if self.held and not was_leaving and low <= stop:
                await self._sends(bar, "sell", self.held, min(opening, stop))
                leaving = True
            elif self.held and not was_leaving and high >= target:
                await self._sends(bar, "sell", self.held, max(opening, target), target)
            leaving = bool(self.held) and (leaving or exits)
            wants_in = enters and not exits

    async def _sends(self, bar: int, side: str, quantity: int, shown: Decimal, limit: Decimal | None = None) -> None:
        """An order for now or never against the bar's price; nobody is there when the whole bar was at its limit."""
        on: date = self.bars.dates[bar].item()
        band = price_band(Decimal(repr(self.bars.close.item(bar - 1))), VENUE.board, on)
        assert band is not None
        is_locked = self.bars.low[bar] >= band.upper if side == "buy" else self.bars.high[bar] <= band.lower
        offer = {"bid": None, "ask": None, "bid_size": "0", "ask_size": "0"}
        if not is_locked:
            name = "ask" if side == "buy" else "bid"
            offer |= {name: str(shown), f"{name}_size": str(self.left)}
        limits = {"upper_limit": str(band.upper), "lower_limit": str(band.lower)}
        terms = {"board": VENUE.board, "trading_date": on.isoformat()}
        await self.floor.tape.quotes(price=str(shown), **offer, **limits, **terms)
        wish = {"side": side, "quantity": quantity, "limit_price": limit, "time_in_force": "ioc"}
        order = an_order(self.floor.tape.symbol, board=VENUE.board, **wish)
        answer = await self.floor.simulator.submit(order, order.key)
        assert isinstance(answer, Accepted)
        for execution in answer.executions:
            self.fills.append((on, side, execution))
            self.left -= execution.quantity
            self.held += int(execution.quantity) * (1 if side == "buy" else -1)

    def _size(self, bar: int) -> int:
        """How many shares the backtest wanted: sizes are trading's, and no part of the exchange."""
        on = self.bars.dates[bar].item()
        asked = [*self.backtest.executions, *self.backtest.unfilled]
        return sum(one.quantity for one in asked if one.on == on and one.side == "buy")


def facts_of(fills: list[tuple[date, str, Execution]]) -> Iterator[tuple[object, ...]]:
    for on, side, one in fills:
        yield on, side, one.quantity, one.price, one.fee, one.tax, one.settlement_date


@pytest.mark.requirement("product 4: the same bars give the same fills on paper as in the event-driven engine")
async def test_paper_fills_are_those_of_the_event_driven_engine_to_the_won(floor: Floor) -> None:
    bars = a_year()
    rules = ("close > open", "pct_change(2) > 0.04")
    spec = StrategySpec(*rules, stop_loss=0.03, take_profit=0.05, initial_cash=100_000_000.0)
    tested = run_event_driven(bars, spec, VENUE)
    trader = PaperTrader(floor, bars, spec, tested)
    await trader.lives_through()
    assert list(facts_of(trader.fills)) == [
        (one.on, one.side, one.quantity, one.price, one.fee, one.tax, one.settles) for one in tested.executions
    ]
    assert {trade.reason for trade in tested.result.trades} >= {"signal", "stop_loss", "take_profit"}
    assert {missed.reason for missed in tested.unfilled} == {"volume", "no_counterparty"}
    assert {one.on.year for one in tested.executions} == {2024, 2025}, "both rates of the tax were paid"
