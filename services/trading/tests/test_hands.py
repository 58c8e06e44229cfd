"""Signals of one owner act together: what it costs when all act at one close, and that none undoes another."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
import pytest_asyncio
from kit.db import Database, Session
from kit.testing.round_trips import counted
from kit.testing.serving import serving
from kit.testing.tasks import ended
from redis.asyncio import Redis
from trading.automator import GATHER_SECONDS, Automator
from trading.config import Settings
from trading.domain.account import Account
from trading.domain.order import Happening
from trading.domain.signal import SignalStatus
from trading.resources import open_resources
from trading.usecases.place_in_account import Placed, place_in_account
from trading.usecases.put_question import Asked

from services.trading.tests.automation_bench import FOREVER, NOW, Bench, a_document
from services.trading.tests.builders import SAMSUNG, a_quote
from services.trading.tests.desk import Desk
from services.trading.tests.neighbours import MINUTE, Neighbours

SYMBOLS = tuple(f"00{number:04}" for number in range(30))
OWNERS, EACH = 10, 5
START = NOW.replace(minute=4, second=0)
APART_SECONDS = GATHER_SECONDS / 2


@pytest_asyncio.fixture
async def bench(database: Database, settings: Settings, redis: Redis) -> AsyncIterator[Bench]:
    neighbours = Neighbours()
    async with serving(neighbours.app()) as url:
        told = settings.model_copy(update={"market_url": url, "auth_url": url})
        async with open_resources(told) as resources:
            yield Bench(await Desk.open(database), neighbours, told, resources, redis)
    await redis.delete(*(f"realtime:{symbol}" for symbol in (SAMSUNG, *SYMBOLS)))


async def _close(benches: list[Bench], minute: int) -> None:
    first = benches[0]
    start = START + minute * MINUTE
    first.clock.at = start + MINUTE
    for symbol in SYMBOLS:
        first.neighbours.trade_minute(symbol, start, 56_000)
        await first.quotes(a_quote(symbol=symbol))
        await first.closes(start, symbol, "1m")


async def test_fifty_signals_of_one_close_take_few_round_trips(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    benches = [bench] + [replace(bench, desk=await Desk.open(bench.database)) for _ in range(OWNERS - 1)]
    for symbol in SYMBOLS:
        for back in range(5, 0, -1):
            benches[0].neighbours.trade_minute(symbol, START - back * MINUTE, 56_000)
    for place, each in enumerate(benches):
        for number in range(EACH):
            symbol = SYMBOLS[(place + number * OWNERS) % len(SYMBOLS)]
            document = a_document(**FOREVER, holding_bars=1)
            await each.automates(document, interval="1m", capital=Decimal(100_000), symbols=(symbol,))
    worker = await benches[0].worker()
    for side, trips_max in (("buy", 5), ("sell", 6)):
        await _close(benches, ("buy", "sell").index(side))
        with counted(monkeypatch) as spent:
            assert await worker.work_off() == OWNERS * EACH
        ordered = [order for each in benches for order in await each.orders() if order.side == side]
        assert len(ordered) == OWNERS * EACH
        assert len(spent) <= trips_max * OWNERS * EACH
        for each in benches:
            for order in await each.orders():
                if order.is_open:
                    await each.desk.hears(order, Happening.ACCEPTED)
                    await each.desk.fills(order, quantity=order.quantity, price=Decimal(56_000), fee=Decimal(7))


async def _at_a_minute(bench: Bench) -> datetime:
    """A minute that has closed, with a price after it."""
    start = NOW.replace(minute=4, second=0)
    for back in range(5, -1, -1):
        bench.neighbours.trade_minute(SAMSUNG, start - back * MINUTE, 56_000)
    bench.clock.at = start + MINUTE
    await bench.quotes(a_quote())
    return start


@pytest.mark.requirement("R-11")
async def test_what_one_signal_does_wrong_undoes_no_other_of_its_owner(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = await _at_a_minute(bench)
    made = [await bench.automates(a_document(**FOREVER), interval="1m", capital=Decimal(100_000)) for _ in range(3)]

    async def broken(session: Session, owner: UUID, account: Account, asked: Asked) -> Placed:
        placed = await place_in_account(session, owner, account, asked)
        assert asked.request.strategy_id != made[1].strategy_id, "a fault of ours, after the order was written"
        return placed

    monkeypatch.setattr("trading.usecases.act_on_locked.place_in_account", broken)
    await bench.closes(start, interval="1m")
    await (await bench.worker()).work_off()
    assert {order.strategy_id for order in await bench.orders()} == {made[0].strategy_id, made[2].strategy_id}
    statuses = {signal.automation_id: signal.status for signal in await bench.signals()}
    assert [statuses[each.id] for each in made] == [SignalStatus.ORDERED, SignalStatus.WAITING, SignalStatus.ORDERED]
    assert await bench.statuses() == {"done": 3}


async def test_one_that_the_review_refuses_is_settled_beside_one_that_is_ordered(bench: Bench) -> None:
    start = await _at_a_minute(bench)
    for capital in (9_000_000, 9_500_000):  # the cash is enough for one of them
        await bench.automates(a_document(**FOREVER), interval="1m", capital=Decimal(capital))
    await bench.closes(start, interval="1m")
    await (await bench.worker()).work_off()
    assert sorted(signal.status for signal in await bench.signals()) == [SignalStatus.ORDERED, SignalStatus.REFUSED]


async def test_who_takes_the_id_of_a_signals_order_stops_nobody_but_that_signal(bench: Bench) -> None:
    start = await _at_a_minute(bench)
    await bench.automates(a_document(**FOREVER), interval="1m", capital=Decimal(100_000), mode="ask")
    other = await bench.automates(a_document(**FOREVER), interval="1m", capital=Decimal(100_000), mode="ask")
    worker = await bench.worker()
    await bench.closes(start, interval="1m")
    await worker.work_off()
    asked = await bench.signals()
    taken = next(signal for signal in asked if signal.automation_id != other.id)
    await bench.desk.places(client_order_id=f"signal-{taken.id}", quantity=Decimal(3))
    for signal in asked:
        await bench.decides(signal, "approve")
    await worker.look()
    ended = {signal.automation_id: signal for signal in await bench.signals()}
    assert ended[other.id].status is SignalStatus.ORDERED
    assert ended[taken.automation_id].status is SignalStatus.REFUSED
    assert str(ended[taken.automation_id].detail).startswith("client_order_id_reused: ")


async def test_bars_that_close_together_are_written_down_by_one_statement(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for symbol in SYMBOLS[:3]:
        await bench.automates(a_document(**FOREVER), interval="1m", symbols=(symbol,))
    start = await _at_a_minute(bench)
    facts = [
        {"symbol": symbol, "market": "KRX", "interval": "1m", "start": start.isoformat()} for symbol in SYMBOLS * 2
    ]
    assert await bench.statuses() == {}  # what opening a connection takes is not counted
    with counted(monkeypatch) as spent:
        await bench.hears_together("market.bar.closed.v1", None, facts)
    assert await bench.statuses() == {"due": 3}
    assert len(spent) <= 6, "to begin, to write down, to wake, to commit; a statement is prepared once"


async def test_bars_of_one_close_that_are_told_one_after_the_other_are_judged_together(bench: Bench) -> None:
    symbols, closes = (SAMSUNG, "000660"), 6
    await bench.automates(a_document(**FOREVER), interval="1m", mode="notify", symbols=symbols)
    working = asyncio.create_task(Automator(bench.settings, bench.resources, bench.clock).run())
    try:
        async with asyncio.timeout(30):
            for number in range(closes):
                bench.clock.at = START + (number + 1) * MINUTE
                for symbol in symbols:
                    bench.neighbours.trade_minute(symbol, START + number * MINUTE, 56_000)
                for symbol in symbols:
                    await bench.closes(START + number * MINUTE, symbol, "1m")
                    await asyncio.sleep(APART_SECONDS)
                await _all_done(bench, len(symbols) * (number + 1))
    finally:
        await ended(working)
    assert bench.neighbours.questions <= closes + 2, "the first close may meet a look, and histories begin with it"


async def _all_done(bench: Bench, count: int) -> None:
    while (await bench.statuses()).get("done", 0) < count:  # noqa: ASYNC110 - a database tells nobody
        await asyncio.sleep(0.01)
