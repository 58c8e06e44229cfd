"""Automations of portfolios: the choices of the backtest, each once, sold before bought, each to its part."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from kit.db import Database
from kit.testing.serving import serving
from quant.backtest import Factor, PortfolioSpec, Universe, choices_of, run_portfolio
from quant.markets.calendar import next_session, previous_session
from quant.panel import Panel
from redis.asyncio import Redis
from trading.api.drift import _tested_choice
from trading.automator import SALES_WAIT
from trading.clients.panels import universe_of
from trading.config import Settings
from trading.domain.automation import Automation
from trading.domain.plan import read_plan
from trading.domain.signal import SignalStatus
from trading.errors import StrategyUnusable
from trading.resources import open_resources

from services.trading.tests.automation_bench import Bench, a_document
from services.trading.tests.builders import a_quote
from services.trading.tests.desk import Desk
from services.trading.tests.neighbours import COLUMNS, SESSIONS, Neighbours, a_walk

SYMBOLS = tuple(f"00{number:04}" for number in range(10, 18))
HISTORY = SESSIONS[200]
FACTORS = ({"factor": "roc(20)", "weight": "1"}, {"factor": "rsi(14)", "weight": "-0.5"})


@pytest_asyncio.fixture
async def bench(database: Database, settings: Settings, redis: Redis) -> AsyncIterator[Bench]:
    neighbours = Neighbours(days={symbol: a_walk(seed) for seed, symbol in enumerate(SYMBOLS, 40)})
    async with serving(neighbours.app()) as url:
        told = settings.model_copy(update={"market_url": url, "auth_url": url})
        async with open_resources(told) as resources:
            yield Bench(await Desk.open(database), neighbours, told, resources, redis)
    await redis.delete(*(f"realtime:{symbol}" for symbol in SYMBOLS))


def a_portfolio(**changes: Any) -> dict[str, Any]:
    portfolio = {"market": "KRX", "boards": [], "kinds": [], "symbols": [], "ranking": list(FACTORS)}
    portfolio |= {"positions": 3, "every": "week", "tolerance": "0.2"} | changes
    return {**a_document(entry="close > sma(10)", exit="close < 0"), "format": 2, "portfolio": portfolio}


async def automates(bench: Bench, document: dict[str, Any] | None = None, **changes: Any) -> Automation:
    given = {"symbols": (), "history_from": HISTORY, "positions_max": 1, "capital": Decimal(9_000_000)} | changes
    return await bench.automates(document or a_portfolio(), **given)


def universe(neighbours: Neighbours, last: date) -> Universe:
    """The same bars, put together without market or a file between."""
    rows = neighbours.rows_of([], HISTORY, last)
    frame = {name: np.array([row[name] for row in rows]) for name in COLUMNS}
    panel = Panel.of([row["symbol"] for row in rows], np.array([row["day"] for row in rows], "datetime64[D]"), frame)
    still = np.full(len(panel), np.datetime64("NaT"), dtype="datetime64[D]")
    return Universe(panel, ["KOSPI"] * len(panel), ["stock"] * len(panel), still)


def spec(**changes: Any) -> PortfolioSpec:
    factors = tuple(Factor(each["factor"], float(each["weight"])) for each in FACTORS)
    return replace(PortfolioSpec("close > sma(10)", factors, 3, "week", unless="close < 0"), **changes)


def choices_until(bench: Bench, last: date = SESSIONS[-1]) -> dict[date, list[str]]:
    """What a backtest chose, by day."""
    ground = universe(bench.neighbours, last)
    made, chosen = choices_of(ground, spec())
    days, names = ground.days.tolist(), ground.panel.symbols
    return {
        day: [names[symbol] for symbol in chosen[place] if symbol >= 0]
        for day, place in zip(days, made.tolist(), strict=True)
        if place >= 0
    }


async def closes(bench: Bench, day: date) -> None:
    for symbol in SYMBOLS[:3]:
        await bench.closes(day, symbol)


@pytest.mark.requirement("product 2: signals of an automation are those of the backtest, bit for bit")
async def test_days_replayed_one_by_one_give_the_choices_of_the_backtest(bench: Bench) -> None:
    await automates(bench, mode="notify")
    worker = await bench.worker()
    for day in SESSIONS[-40:]:
        await closes(bench, day)
        await worker.work_off()
    expected, held = [], set()
    for day, chosen in choices_until(bench).items():
        if day < SESSIONS[-40]:
            continue
        expected += [(day, "sell", symbol) for symbol in sorted(held - set(chosen))]
        expected += [(day, "buy", symbol) for symbol in chosen if symbol not in held]
        held = set(chosen)
    raised = [(each.bar.date(), each.side, each.symbol) for each in await bench.signals() if each.bar]
    assert raised == expected
    assert len({day for day, _, _ in raised}) > 4
    assert await bench.statuses() == {"done": 40}, "one run a day, however many symbols it has"
    # and the engine of backtests holds at the end what was chosen last
    tested = run_portfolio(universe(bench.neighbours, SESSIONS[-1]), spec())
    assert list(tested.chosen) == list(choices_until(bench).values())[-1]


async def to_a_choice(bench: Bench, worker: Any, since: date) -> date:
    """Close days until one on which is chosen; return the session it is meant for."""
    chosen, day = choices_until(bench), since
    while True:
        await closes(bench, day)
        await worker.work_off()
        if day in chosen:
            return next_session("KRX", day)
        day = next_session("KRX", day)


async def opens(bench: Bench, worker: Any, day: date, symbols: tuple[str, ...] = SYMBOLS) -> None:
    """The first prices of a session."""
    for symbol in symbols:
        price = Decimal(int(bench.neighbours.days[symbol]["open"][SESSIONS.index(day)]))
        await bench.quotes(a_quote(symbol=symbol, price=price, trading_date=day, band=None))
    await worker.look()


async def fills(bench: Bench) -> None:
    for order in await bench.orders():
        if order.is_open:
            await bench.desk.fills(order, price=order.limit_price or Decimal(60_000))


async def test_it_sells_first_and_buys_each_to_its_part_when_the_money_has_come(bench: Bench) -> None:
    automation = await automates(bench)
    worker = await bench.worker()
    first = await to_a_choice(bench, worker, SESSIONS[-60])
    await opens(bench, worker, first)
    bought = await bench.orders()
    assert [order.symbol for order in bought] == sorted(choices_until(bench)[previous_session("KRX", first)])
    assert {order.side for order in bought} == {"buy"}
    for order in bought:
        assert order.limit_price is not None
        value = order.quantity * order.limit_price
        assert 3_000_000 - 2 * order.limit_price < value <= 3_000_000, "whole shares of a third of the capital"
    await fills(bench)
    await worker.look()
    seen = {signal.id for signal in await bench.signals()}
    day = first
    while True:
        day = await to_a_choice(bench, worker, day)
        asked = [signal for signal in await bench.signals() if signal.id not in seen]
        if {signal.side for signal in asked} == {"buy", "sell"} and any(s.target is None for s in asked):
            break
        seen |= {signal.id for signal in asked}
        await opens(bench, worker, day)
        await fills(bench)
        await worker.look()
    assert [signal.side for signal in asked] == sorted((signal.side for signal in asked), reverse=True)
    before = {order.id for order in await bench.orders()}
    await opens(bench, worker, day)
    new = [order for order in await bench.orders() if order.id not in before]
    assert {order.side for order in new} == {"sell"}, "purchases wait for the money"
    await fills(bench)
    await worker.look()
    await worker.look()
    bought = [order for order in await bench.orders() if order.id not in before and order.side == "buy"]
    assert {order.symbol for order in bought} == {signal.symbol for signal in asked if signal.side == "buy"}
    assert await bench.automation(automation) == automation
    await bench.desk.proves()


async def test_purchases_go_ahead_when_a_sale_does_not_come_to_pass(bench: Bench) -> None:
    await automates(bench)
    worker = await bench.worker()
    day = await to_a_choice(bench, worker, SESSIONS[-60])
    await opens(bench, worker, day)
    await fills(bench)
    await worker.look()
    known = {signal.id for signal in await bench.signals()}
    while True:
        day = await to_a_choice(bench, worker, day)
        asked = [signal for signal in await bench.signals() if signal.id not in known]
        halted = {signal.symbol for signal in asked if signal.side == "sell"}
        if halted and {signal.side for signal in asked} == {"buy", "sell"}:
            break
        known |= {signal.id for signal in asked}
        await opens(bench, worker, day)
        await fills(bench)
        await worker.look()
    trading = tuple(symbol for symbol in SYMBOLS if symbol not in halted)
    count = len(await bench.orders())
    await opens(bench, worker, day, trading)
    assert len(await bench.orders()) == count
    bench.clock.at += SALES_WAIT + timedelta(seconds=1)
    await opens(bench, worker, day, trading)
    after = {signal.id: signal.status for signal in await bench.signals()}
    buys = [signal for signal in asked if signal.side == "buy"]
    assert {after[signal.id] for signal in buys} <= {SignalStatus.ORDERED, SignalStatus.SKIPPED}
    assert all(after[signal.id] is SignalStatus.WAITING for signal in asked if signal.side == "sell")


@pytest.mark.requirement("R-11")
async def test_a_close_waits_for_the_bars_of_all_that_traded_the_day_before_but_not_for_ever(bench: Bench) -> None:
    await automates(bench, mode="notify")
    worker = await bench.worker()
    day = next(day for day in SESSIONS[-40:] if day in choices_until(bench))
    bench.neighbours.missing.add((SYMBOLS[0], day))
    await closes(bench, day)
    assert await worker.work_off() == 0
    assert await bench.statuses() == {"due": 1}
    bench.clock.at += timedelta(minutes=2, seconds=1)
    assert await worker.work_off() == 1
    assert {signal.symbol for signal in await bench.signals()} == set(choices_until(bench, day)[day])


@pytest.mark.requirement("R-11", "R-28")
async def test_a_choice_raises_its_signals_once_whoever_works_and_however_often_it_is_told(bench: Bench) -> None:
    await automates(bench)
    old = await bench.worker()
    new = await bench.worker()
    day = next(day for day in SESSIONS[-40:] if day in choices_until(bench))
    for worker in (old, new, new, await bench.worker()):
        await closes(bench, day)
        await worker.work_off()
    raised = [signal.symbol for signal in await bench.signals()]
    assert raised == choices_until(bench, day)[day]
    assert await bench.statuses() == {"done": 1}


async def test_the_drift_report_has_the_choice_of_the_backtest_beside_what_was_chosen(bench: Bench) -> None:
    await automates(bench, mode="notify")
    worker = await bench.worker()
    day = next(day for day in SESSIONS[-40:] if day in choices_until(bench))
    await closes(bench, day)
    await worker.work_off()
    basket = read_plan(a_portfolio()).basket
    assert basket is not None
    later = await universe_of(bench.resources.market, basket, HISTORY, SESSIONS[-1])
    assert later is not None
    tested = _tested_choice(basket, later, day)
    assert {row.symbol for row in tested if row.entry} == {signal.symbol for signal in await bench.signals()}
    assert all(row.next_day == next_session("KRX", day) for row in tested)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"symbols": (SYMBOLS[0],)}, "leave `symbols` out"),
        ({"interval": "5m"}, "`interval` 1d"),
        ({"history_from": None}, "`history_from`"),
    ],
)
async def test_what_a_portfolio_cannot_be_given_is_refused_with_what_to_do(
    bench: Bench, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(StrategyUnusable, match=said):
        await automates(bench, **changes)


async def test_a_portfolio_brings_its_market_and_how_many_it_holds(bench: Bench) -> None:
    automation = await automates(bench, start=False)
    kept = await bench.automation(automation)
    assert (kept.market, kept.currency, kept.positions_max, kept.symbols) == ("KRX", "KRW", 3, ())
