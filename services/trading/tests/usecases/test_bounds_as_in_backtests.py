"""An account's limits refuse on paper what they refuse in a backtest: the same orders, by the same name and figures."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from kit.ids import new_id
from quant.backtest import (
    Execution,
    Limited,
    StrategySpec,
    Venue,
    event_driven,
    portfolio_events,
    run_event_driven,
    run_portfolio_event_driven,
)
from quant.backtest.guard import Guard
from quant.markets.listing import Side
from quant.risk import CHECKS as SHARED
from trading.domain.limits import RiskLimits, narrowed
from trading.domain.order import Order
from trading.domain.request import OrderId
from trading.domain.risk import CHECKS
from trading.usecases.place_order import place_order
from trading.usecases.record_execution import record_execution

from libs.quant.tests.test_event_driven import a_walk
from libs.quant.tests.test_portfolio import FREE, a_universe
from services.trading.tests.builders import a_fill, a_quote, limits
from services.trading.tests.desk import Desk

CASH = 10_000_000
LIMITS: dict[str, dict[str, Any]] = {
    "shares": {"order_quantity_max": Decimal(150)},
    "value": {"order_value_max": Decimal(2_240_000)},
    "open value": {"open_value_max": Decimal(2_300_000)},
    "orders a day": {"daily_trades_max": Decimal(2)},
    "loss": {"daily_loss_max": Decimal(1_000)},
    "a position": {"position_value_max": Decimal(2_240_000)},
    "its weight": {"position_weight_max_percent": Decimal("22.4")},
    "leverage": {"leverage_max": Decimal("0.6")},
    "a list": {"restricted_symbols": ("000002", "005930")},
}


@dataclass
class Told:
    """What a backtest asked of its bounds, and what it traded, in order."""

    asked: list[tuple[date, str, Side, int, Decimal, tuple[str, str] | None]] = field(default_factory=list)
    filled: dict[int, list[Execution]] = field(default_factory=dict)

    def hear(self) -> type[Guard]:
        told = self

        class Overheard(Guard):
            def lets(self, on: date, symbol: str, side: Side, quantity: int, price: Decimal) -> bool:
                lets = super().lets(on, symbol, side, quantity, price)
                why = None if lets else (self.refused[-1].why, self.refused[-1].detail)
                told.asked.append((on, symbol, side, quantity, price, why))
                return lets

            def book(self, symbol: str, done: Execution) -> None:
                super().book(symbol, done)
                told.filled.setdefault(len(told.asked) - 1, []).append(done)

        return Overheard


async def on_paper(database: Database, told: Told, own: dict[str, Any]) -> list[tuple[str, str] | None]:
    """Place the same orders on an account with the same limits, and fill what it lets through as the backtest did."""
    desk = await Desk.open(database, cash=CASH)
    await desk.limits_itself(now=datetime(2020, 1, 2, tzinfo=UTC), **own)
    answers: list[tuple[str, str] | None] = []
    for place, (on, symbol, side, quantity, price, _) in enumerate(told.asked):
        now = datetime.combine(on, time(1), UTC)
        quote = a_quote(symbol=symbol, price=price, kind="etf", band=None, trading_date=on, published_at=now)
        wish = {"symbol": symbol, "side": side, "quantity": Decimal(quantity), "order_type": "market"}
        request = desk.request(**wish, client_order_id=str(new_id()))
        async with database.owned(desk.owner) as session:
            placed: Order = (await place_order(session, desk.owner, request, quote, limits(), now)).order
        answers.append(None if placed.reason is None else (placed.reason, placed.detail or ""))
        for done in told.filled.get(place, ()):
            terms = {"quantity": Decimal(done.quantity), "price": done.price, "fee": done.fee, "tax": done.tax}
            fill = a_fill(placed, **terms, trade_date=on, settlement_date=done.settles, executed_at=now)
            async with database.owned(desk.owner) as session:
                await record_execution(session, desk.owner, fill, now)
        assert OrderId(placed.id) == request.id
    return answers


@pytest.mark.requirement("R-8", "product 4: a backtest makes the risk checks that paper trading makes")
@pytest.mark.parametrize("own", LIMITS.values(), ids=LIMITS)
async def test_a_portfolio_is_refused_on_paper_what_its_backtest_is_refused(
    database: Database, own: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    monkeypatch.setattr(portfolio_events, "Guard", told.hear())
    bounds = narrowed(limits(), RiskLimits(**own), "KRW")
    stop = 0.02 if "daily_trades_max" in own else None
    spec = replace(FREE, positions=4, portion=0.9, stop_loss=stop)
    run = run_portfolio_event_driven(a_universe(seed=11, count=90, delisted=0), spec, bounds)
    assert run.refused, "the limit never bound"
    assert run.trades, "and everything was refused"
    assert await on_paper(database, told, own) == [verdict for *_, verdict in told.asked]


@pytest.mark.requirement("R-8")
@pytest.mark.parametrize("name", ["orders a day", "its weight", "value", "a list"])
async def test_so_is_a_strategy_of_one_symbol(database: Database, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = LIMITS[name] | ({"daily_trades_max": Decimal(1)} if name == "orders a day" else {})
    told = Told()
    monkeypatch.setattr(event_driven, "Guard", told.hear())
    bounds = narrowed(limits(), RiskLimits(**own), "KRW")
    spec = StrategySpec("close > open", "close < open", stop_loss=0.005, portion=0.5, initial_cash=float(CASH))
    run = run_event_driven(a_walk(3, size=120), spec, Venue("KOSPI", "etf"), Limited("005930", bounds))
    assert run.refused, "the limit never bound"
    assert await on_paper(database, told, own) == [verdict for *_, verdict in told.asked]


def test_paper_asks_every_shared_bound_and_in_the_sequence_of_backtests() -> None:
    shared = [check.__name__ for check in SHARED]
    assert [check.__name__ for check in CHECKS if check.__name__ in shared] == shared
