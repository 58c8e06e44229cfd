"""Automations at work: real database, real Redis, market on loopback; the same signals as a backtest, each once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from kit.db import Database
from kit.ids import new_id
from kit.testing.serving import serving
from quant.markets.calendar import next_session
from quant.rules import Columns, compile_rule, compile_series
from redis.asyncio import Redis
from sqlalchemy import text
from trading.config import Settings
from trading.domain.automation import Phase, Status
from trading.domain.halt import Halt, HaltMode
from trading.domain.order import Happening
from trading.domain.signal import SignalStatus
from trading.errors import SignalNotAsked
from trading.resources import open_resources
from trading.store.automation import system
from trading.usecases.halt_trading import halt_trading

from services.trading.tests.automation_bench import DAY, ENTRY, EXIT, FOREVER, NOW, TOMORROW, Bench, a_document
from services.trading.tests.builders import SAMSUNG, a_quote
from services.trading.tests.desk import Desk
from services.trading.tests.neighbours import MINUTE, SESSIONS, Neighbours, a_walk


@pytest_asyncio.fixture
async def bench(database: Database, settings: Settings, redis: Redis) -> AsyncIterator[Bench]:
    neighbours = Neighbours()
    async with serving(neighbours.app()) as url:
        told = settings.model_copy(update={"market_url": url, "auth_url": url})
        async with open_resources(told) as resources:
            yield Bench(await Desk.open(database), neighbours, told, resources, redis)
    await redis.delete(f"realtime:{SAMSUNG}")


def masks(neighbours: Neighbours, symbol: str = SAMSUNG) -> tuple[list[bool], list[bool]]:
    """What a backtest sees: both rules over whole columns."""
    frame = {name: np.array(values) for name, values in neighbours.days[symbol].items()}
    return compile_rule(ENTRY).mask(frame).tolist(), compile_rule(EXIT).mask(frame).tolist()


def expected(neighbours: Neighbours, first: date, symbol: str = SAMSUNG) -> list[tuple[date, str]]:
    """The signals of a backtest that begins on a day: in when the entry holds alone, out when the exit does."""
    holds, found = False, []
    for day, entry, leave in zip(SESSIONS, *masks(neighbours, symbol), strict=True):
        if day < first:
            continue
        if not holds and entry and not leave:
            holds, kind = True, "entry"
        elif holds and leave:
            holds, kind = False, "exit"
        else:
            continue
        found.append((day, kind))
    return found


async def test_days_replayed_one_by_one_give_the_signals_of_the_backtest_bit_for_bit(bench: Bench) -> None:
    await bench.automates(mode="notify")
    worker = await bench.worker()
    for day in SESSIONS[-60:]:
        await bench.closes(day)
        await bench.closes(day)  # told twice, it is the same day
        await worker.work_off()
    raised = [(signal.bar.date(), signal.kind) for signal in await bench.signals() if signal.bar]
    assert raised == expected(bench.neighbours, SESSIONS[-60])
    assert raised
    for signal in await bench.signals():
        assert signal.bar is not None
        size = SESSIONS.index(signal.bar.date()) + 1
        frame = {name: np.array(values[:size]) for name, values in bench.neighbours.days[SAMSUNG].items()}
        told = {reason.text: reason.value for reason in signal.reasons}
        for name in ("rsi(14)", "sma(5)", "sma(20)"):
            (column,) = _series(name, frame)
            assert told[name] == repr(float(column[-1])), "the very bits that a backtest compares"


def _series(name: str, frame: dict[str, Any]) -> list[Any]:
    return [node.series(Columns(frame)) for node in compile_series(name).values()]


@pytest.mark.requirement("R-11")
async def test_a_thousand_due_runs_happen_once_each_through_replicas_restarts_and_clock_jumps(bench: Bench) -> None:
    chance = Random(11)
    symbols = tuple(f"00{number:04}" for number in range(10))
    bench.neighbours.days |= {symbol: a_walk(seed) for seed, symbol in enumerate(symbols)}
    for _ in range(5):
        await bench.automates(mode="notify", symbols=symbols)
    workers = [await bench.worker() for _ in range(3)]
    days = SESSIONS[-20:]
    restarts = 0
    for day in days:
        for place, symbol in enumerate(symbols):
            if place % 3 == 0:
                bench.clock.at = NOW + timedelta(minutes=chance.randrange(-10, 11))
            await bench.closes(day, symbol)
        tasks = [asyncio.create_task(worker.work_off()) for worker in workers]
        while restarts < 5 * (days.index(day) + 1):
            await asyncio.sleep(chance.random() / 50)
            place = restarts % 3
            tasks[place].cancel()  # killed, wherever it was
            workers[place] = await bench.worker()
            tasks[place] = asyncio.create_task(workers[place].work_off())
            restarts += 1
        await asyncio.gather(*tasks, return_exceptions=True)
    await (await bench.worker()).work_off()
    assert restarts == 100
    assert await bench.statuses() == {"done": 1_000}
    once = text("SELECT count(*), count(DISTINCT (automation_id, symbol, bar)) FROM signals")
    async with bench.database.system() as session:
        every, different = (await session.execute(once)).one()
    wanted = sum(len(expected(bench.neighbours, days[0], symbol)) for symbol in symbols)
    assert wanted
    assert every == different == 5 * wanted


@pytest.mark.requirement("R-11", "R-28")
async def test_a_worker_whose_epoch_is_over_settles_nothing(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER), mode="notify")
    old = await bench.worker()
    new = await bench.worker()
    await bench.closes(DAY)
    assert await old.work_off() == 1, "it believes that it did"
    assert await bench.statuses() == {"due": 1}
    await new.work_off()
    assert await bench.statuses() == {"done": 1}
    assert len(await bench.signals()) == 1


@pytest.mark.requirement("R-11")
async def test_a_run_that_comes_too_late_is_skipped_and_says_so(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER), mode="notify")
    await bench.closes(DAY)
    bench.clock.at += timedelta(hours=13)
    await (await bench.worker()).work_off()
    assert await bench.statuses() == {"skipped": 1}
    assert await bench.signals() == []


async def test_while_market_is_away_runs_wait_and_are_done_when_it_is_back(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER), mode="notify")
    await bench.closes(DAY)
    bench.neighbours.status = 503
    worker = await bench.worker()
    with pytest.raises(Exception, match="503"):
        await worker.work_off()
    bench.neighbours.status = 200
    await worker.work_off()
    assert await bench.statuses() == {"done": 1}


async def test_a_days_signal_waits_for_the_next_session_and_buys_at_its_first_price(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER))
    worker = await bench.worker()
    await bench.closes(DAY)
    await worker.work_off()
    (signal,) = await bench.signals()
    assert (signal.status, signal.act_on) == (SignalStatus.WAITING, TOMORROW)
    for early in (a_quote(trading_date=DAY), a_quote(trading_date=TOMORROW, session="closed")):
        await bench.quotes(early)
        await worker.look()
    assert await bench.orders() == []
    await bench.quotes(a_quote(trading_date=TOMORROW))
    await worker.look()
    await worker.look()
    (order,) = await bench.orders()
    assert (order.side, order.order_type, order.limit_price) == ("buy", "limit", Decimal(56_600))
    assert order.quantity == 88, "5,000,000 won by 56,600 and the fee"
    assert order.client_order_id == f"signal-{signal.id}"
    (signal,) = await bench.signals()
    assert (signal.status, signal.order_id) == (SignalStatus.ORDERED, order.id)
    assert "signal.raised" in await bench.desk.announced()
    assert "signal.settled" in await bench.desk.announced()


async def test_a_signal_whose_session_has_passed_is_not_acted_on(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER))
    worker = await bench.worker()
    await bench.closes(DAY)
    await worker.work_off()
    await bench.quotes(a_quote(trading_date=next_session("KRX", TOMORROW)))
    await worker.look()
    (signal,) = await bench.signals()
    assert (signal.status, await bench.orders()) == (SignalStatus.EXPIRED, [])


@pytest.mark.parametrize(
    ("stops", "prices", "kind"),
    [
        ({"stop_loss": "0.05"}, [55_000, 53_300, 53_200], "stop_loss"),
        ({"take_profit": "0.05"}, [58_700, 58_800], "take_profit"),
        ({"trailing_stop": "0.05"}, [60_000, 57_100, 57_000], "trailing_stop"),
    ],
)
async def test_what_is_held_is_sold_when_a_live_price_touches_its_stop_even_after_a_restart(
    bench: Bench, stops: dict[str, str], prices: list[int], kind: str
) -> None:
    _, bought = await bench.buys(await bench.worker(), a_document(**FOREVER, **stops))
    for price in prices:
        assert len(await bench.orders()) == 1, f"{price} is too early"
        await bench.quotes(a_quote(trading_date=TOMORROW, price=Decimal(price)))
        await (await bench.worker()).look()  # a worker that knows nothing but what is stored
    sale = (await bench.orders())[1]
    assert (sale.side, sale.order_type, sale.quantity) == ("sell", "market", bought.quantity)
    assert (await bench.signals())[1].kind == kind
    await bench.desk.hears(sale, Happening.ACCEPTED)
    await bench.desk.fills(sale, quantity=sale.quantity, price=Decimal(prices[-1]))
    await (await bench.worker()).look()
    assert await bench.desk.count("trips") == 1
    async with bench.database.system() as session:
        assert await system.list_open_trips(session) == []


async def test_after_so_many_bars_it_is_sold_at_the_next_open(bench: Bench) -> None:
    worker = await bench.worker()
    await bench.buys(worker, a_document(**FOREVER, holding_bars=1))
    await bench.closes(TOMORROW)
    await worker.work_off()
    after = next_session("KRX", TOMORROW)
    assert [(each.kind, each.act_on) for each in await bench.signals()][1:] == [("time", after)]
    await bench.quotes(a_quote(trading_date=after))
    await worker.look()
    assert [order.side for order in await bench.orders()] == ["buy", "sell"]


async def test_one_that_asks_first_orders_only_after_a_yes_within_the_deadline(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER), mode="ask")
    worker = await bench.worker()
    await bench.quotes(a_quote(trading_date=TOMORROW))
    await bench.closes(DAY)
    await worker.work_off()
    await worker.look()
    (signal,) = await bench.signals()
    assert (signal.status, await bench.orders()) == (SignalStatus.ASKED, [])
    await bench.decides(signal, "approve")
    with pytest.raises(SignalNotAsked):
        await bench.decides(signal, "decline")
    await worker.look()
    assert len(await bench.orders()) == 1


async def test_a_chat_answers_by_the_end_of_a_signals_id_and_a_strangers_answer_is_nothing(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER), mode="ask")
    worker = await bench.worker()
    await bench.closes(DAY)
    await worker.work_off()
    (signal,) = await bench.signals()
    code = signal.id.hex[-12:]
    await bench.hears("notification.signal.decided.v1", new_id(), code=code, decision="approve", channel="telegram")
    assert (await bench.signals())[0].status is SignalStatus.ASKED
    await bench.hears("notification.signal.decided.v1", bench.owner, code=code, decision="approve", channel="telegram")
    (signal,) = await bench.signals()
    assert (signal.status, signal.decided_by) == (SignalStatus.WAITING, "telegram")
    await bench.hears("notification.signal.decided.v1", bench.owner, code=code, decision="decline", channel="telegram")
    assert (await bench.signals())[0].status is SignalStatus.WAITING, "the first answer counts"


async def test_a_question_nobody_answers_in_time_comes_to_nothing(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER), mode="ask", answer_seconds=60)
    worker = await bench.worker()
    await bench.closes(DAY)
    await worker.work_off()
    (signal,) = await bench.signals()
    bench.clock.at += timedelta(seconds=61)
    with pytest.raises(SignalNotAsked, match="ended"):
        await bench.decides(signal, "approve")
    await worker.look()
    assert (await bench.signals())[0].status is SignalStatus.EXPIRED


@pytest.mark.requirement("R-10")
async def test_a_halted_strategy_buys_nothing(bench: Bench) -> None:
    automation = await bench.automates(a_document(**FOREVER))
    assert automation.strategy_id is not None
    halt = Halt(
        level="strategy", scope_id=automation.strategy_id, mode=HaltMode.HALTED, reason=None, halted_at=bench.clock()
    )
    async with bench.database.owned(bench.owner) as session:
        await halt_trading(session, bench.owner, halt, bench.clock())
    worker = await bench.worker()
    await bench.closes(DAY)
    await worker.work_off()
    await bench.quotes(a_quote(trading_date=TOMORROW))
    await worker.look()
    (signal,) = await bench.signals()
    assert (signal.status, signal.detail) == (SignalStatus.SKIPPED, "the strategy is halted")
    assert await bench.orders() == []


async def test_a_loss_beyond_its_limit_pauses_it_until_it_has_cooled_off(bench: Bench) -> None:
    worker = await bench.worker()
    document = a_document(**FOREVER, stop_loss="0.05")
    automation, _ = await bench.buys(worker, document, daily_loss_max=Decimal(100_000))
    await bench.quotes(a_quote(trading_date=TOMORROW, price=Decimal(53_000)))
    await worker.look()
    sale = (await bench.orders())[1]
    await bench.desk.hears(sale, Happening.ACCEPTED)
    await bench.desk.fills(sale, quantity=sale.quantity, price=Decimal(53_000))
    await worker.look()
    paused = await bench.automation(automation)
    assert (paused.status, paused.cool_off_until) == (Status.PAUSED, bench.clock() + timedelta(hours=1))
    assert paused.reason is not None
    assert "100000" in paused.reason
    with pytest.raises(Exception, match="cools off"):
        await bench.steers(automation, "start")
    bench.clock.at += timedelta(hours=1)
    assert (await bench.steers(automation, "start")).status is Status.RUNNING


async def test_minutes_are_acted_on_at_once_and_longer_bars_close_with_their_last_minute(bench: Bench) -> None:
    start = NOW.replace(minute=4, second=0)
    for back in range(5, -1, -1):
        bench.neighbours.trade_minute(SAMSUNG, start - back * MINUTE, 56_000)
    bench.clock.at = start + MINUTE
    await bench.quotes(a_quote())
    await bench.automates(a_document(**FOREVER), interval="1m", capital=Decimal(1_000_000))
    five = await bench.automates(a_document(**FOREVER), interval="5m", capital=Decimal(1_000_000), mode="notify")
    worker = await bench.worker()
    await bench.closes(start, interval="1m")
    await worker.work_off()
    (order,) = await bench.orders()
    assert order.symbol == SAMSUNG
    async with bench.database.system() as session:
        rows = await session.execute(text("SELECT automation_id, scheduled_at FROM automation_runs"))
        scheduled = {row.automation_id: row.scheduled_at for row in rows}
    assert scheduled[five.id] == start - 4 * MINUTE


async def test_before_the_open_and_after_the_close_it_looks_at_itself_once(bench: Bench) -> None:
    bench.clock.at = datetime.combine(date(2024, 12, 16), time(0), UTC)  # 09:00 in Seoul
    automation = await bench.automates(symbols=(SAMSUNG, "999999"), start=False)
    bench.clock.at -= timedelta(hours=2)
    await bench.steers(automation, "start")
    bench.clock.at += timedelta(hours=2)
    for worker in [await bench.worker(), await bench.worker()]:
        await worker.keep_appointments()
        await worker.work_off()
    async with bench.database.system() as session:
        rows = (await session.execute(text("SELECT phase, scheduled_at, outcome FROM automation_runs"))).all()
    assert [(row.phase, row.scheduled_at) for row in rows] == [
        (Phase.PREPARE, datetime(2024, 12, 15, 23, 30, tzinfo=UTC))
    ]
    assert rows[0].outcome["problems"] == ["There are no bars of 999999."]


async def test_a_universe_that_came_to_nothing_is_told_the_next_morning(bench: Bench) -> None:
    bench.clock.at = datetime.combine(DAY, time(7), UTC)  # 16:00 in Seoul
    await bench.automates(a_document(entry="sma(500) > sma(600)", exit="close < 0"))
    worker = await bench.worker()
    await bench.closes(DAY)
    await worker.work_off()
    assert await bench.statuses() == {"skipped": 1}
    bench.clock.at = datetime.combine(TOMORROW, time(0), UTC)  # 09:00 in Seoul
    await worker.keep_appointments()
    await worker.work_off()
    async with bench.database.system() as session:
        outcome = await session.scalar(text("SELECT outcome FROM automation_runs WHERE phase = 'prepare'"))
    (problem,) = outcome["problems"]
    assert problem.startswith("So many bars were not judged: 1, for this reason: ")
    assert problem.endswith("bars are too few: the rules need 600.")


async def test_whoever_has_automations_on_a_market_is_told_that_its_prices_do_not_come_and_that_they_do_again(
    bench: Bench,
) -> None:
    await bench.automates()
    await bench.automates(start=False)
    silence = {"source": "kis", "last_heard_at": NOW.isoformat()}
    await bench.hears("market.feed.stalled.v1", None, market="US", **silence)
    await bench.hears("market.feed.stalled.v1", None, market="KRX", **silence)
    await bench.hears("market.feed.recovered.v1", None, market="KRX", source="kis", silent_seconds=74)
    told = text("SELECT owner_id, type, data FROM events WHERE type LIKE 'trading.prices.%' ORDER BY position")
    async with bench.database.system() as session:
        missed, regained = (await session.execute(told)).all()
    assert (missed.owner_id, missed.type) == (bench.owner, "trading.prices.missed.v1")
    assert (regained.owner_id, regained.type) == (bench.owner, "trading.prices.regained.v1")
    for each in (missed, regained):
        assert (each.data["market"], each.data["source"], each.data["automations"]) == ("KRX", "kis", ["밤사이"])
    assert regained.data["silent_seconds"] == 74
