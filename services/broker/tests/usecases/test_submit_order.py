"""An order reaches its broker once, whatever dies or repeats on the way, and exactly what happened is announced."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from broker.adapters.port import NotSent, Unreachable
from broker.adapters.simulator import books
from broker.domain.capabilities import Capabilities
from broker.store import portions
from broker.usecases import settle_attempt
from broker.usecases.recover_attempts import recover_attempts
from kit import db
from kit.clock import now
from kit.errors import Unavailable

from services.broker.tests.builders import an_order, submitted
from services.broker.tests.floor import Broken, Floor, Line, dying
from services.broker.tests.usecases.watching import watched

LONG_AFTER = timedelta(minutes=5)


@pytest.fixture
def line(floor: Floor) -> Line:
    """The desk's connector, on a line that tests may break."""
    line = Line(floor.simulator)
    floor.desk.connectors["simulator"] = line  # type: ignore[index]
    return line


async def test_a_market_buy_that_fills_as_it_arrives_is_announced_as_executed_alone(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol)
    await floor.submit(order)
    [(executed, execution)] = await floor.facts()
    assert executed == "executed"
    assert execution["broker"] == "simulator"
    assert execution["broker_order_id"].startswith("SIM-20241216-")
    assert execution["execution_id"].startswith("simulator:2024-12-16:")
    names = ("quantity", "price", "fee", "tax", "trade_date", "settlement_date")
    assert [execution[name] for name in names] == ["10", "70100", "105", "0", "2024-12-16", "2024-12-18"]
    assert await floor.count("broker_executions") == 1


async def test_the_facts_are_traced_to_the_message_that_asked_for_them(floor: Floor) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    await floor.deliver(message)
    async with floor.database.system() as session:
        rows = (await session.exec_driver_sql("SELECT correlation_id, causation_id, owner_id FROM events")).all()
    assert set(rows) == {(message.correlation_id, message.id, message.owner)}


async def test_a_refusal_of_the_exchange_is_announced_with_its_reason(floor: Floor) -> None:
    await floor.tape.quotes()
    await floor.submit(an_order(floor.tape.symbol, limit_price="70050"))
    [(name, data)] = await floor.facts()
    assert (name, data["code"]) == ("rejected", "price_off_tick")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account_kind": "live"}, "live_not_permitted"),
        ({"order_type": "stop"}, "order_type_not_allowed"),
        ({"time_in_force": "gtd"}, "order_type_not_allowed"),
        ({"order_type": "limit"}, "order_type_not_allowed"),
        ({"quantity": "0"}, "quantity_off_lot"),
    ],
)
async def test_what_the_broker_cannot_do_is_rejected_before_anything_is_sent(
    floor: Floor, line: Line, changes: dict[str, Any], code: str
) -> None:
    await floor.submit(an_order(floor.tape.symbol, **changes))
    [(name, data)] = await floor.facts()
    assert (name, data["code"]) == ("rejected", code)
    assert not line.sent


@pytest.mark.requirement("R-2")
async def test_only_the_answer_waits_for_the_disk_and_at_a_broker_of_its_own_the_attempt_too(
    floor: Floor, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    with watched(monkeypatch) as ended:
        await floor.submit(an_order(floor.tape.symbol))
        line.capabilities = replace(line.capabilities, books_are_ours=False)
        await floor.submit(an_order(floor.tape.symbol))
    assert [hurried for hurried, *_ in ended] == [True, True, False, False, True, False]
    assert await floor.said() == ["executed", "executed"]


@pytest.mark.requirement("R-15")
async def test_the_same_message_again_changes_nothing(floor: Floor, line: Line) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    for _ in range(3):
        await floor.deliver(message)
    assert await floor.said() == ["executed"]
    assert len(line.sent) == 1
    assert await floor.count("inbox") == 1


@pytest.mark.requirement("R-2", "R-15")
async def test_the_same_message_at_two_workers_at_once_makes_one_order(floor: Floor) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    await asyncio.gather(*(floor.deliver(message) for _ in range(4)))
    assert await floor.said() == ["executed"]
    assert await floor.count("sim_orders") == 1


async def _dies_before_the_order_is_sent(_: Floor, line: Line, __: pytest.MonkeyPatch) -> None:
    line.breaks_before = [Broken()]


async def _dies_before_the_answer_arrives(_: Floor, line: Line, __: pytest.MonkeyPatch) -> None:
    line.breaks_after = [Broken()]


async def _dies_while_the_answer_is_kept(floor: Floor, __: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement has run and is not on disk: as in a transaction that never ends."""
    save_first = portions.save_first

    async def dies_after(_: db.Session, answers: Any) -> list[bool]:
        async with floor.database.system() as unending:
            assert await save_first(unending, answers) == [True]
            monkeypatch.undo()
            raise Broken

    monkeypatch.setattr(portions, "save_first", dies_after)


async def _dies_while_what_was_found_is_kept(_: Floor, __: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an answer that somebody else has told of meanwhile, so that it is held against what is known."""
    record = settle_attempt.record

    async def dies_after(*facts: Any, owner: Any) -> None:
        await record(*facts, owner=owner)
        monkeypatch.undo()
        raise Broken

    monkeypatch.setattr(portions, "save_first", AsyncMock(return_value=[False]))
    monkeypatch.setattr(settle_attempt, "record", dies_after)


DEATHS = [
    _dies_before_the_order_is_sent,
    _dies_before_the_answer_arrives,
    _dies_while_the_answer_is_kept,
    _dies_while_what_was_found_is_kept,
]


@pytest.mark.requirement("R-2", "R-12", "R-23")
@pytest.mark.parametrize("death", DEATHS)
async def test_after_a_death_between_phases_the_redelivered_message_finishes_the_order_once(
    floor: Floor, line: Line, monkeypatch: pytest.MonkeyPatch, death: Any
) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    await death(floor, line, monkeypatch)
    with dying():
        await floor.deliver(message)
    assert await floor.said() == []
    await floor.deliver(message)
    assert await floor.said() == ["executed"]
    assert [await floor.count(table) for table in ("sim_orders", "sim_executions", "broker_executions")] == [1, 1, 1]


@pytest.mark.requirement("R-2", "R-12", "R-23")
@pytest.mark.parametrize("death", DEATHS)
async def test_after_a_death_between_phases_the_recovery_finishes_the_order_once(
    floor: Floor, line: Line, monkeypatch: pytest.MonkeyPatch, death: Any
) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    await death(floor, line, monkeypatch)
    with dying():
        await floor.deliver(message)
    assert await recover_attempts(floor.desk, now()) == 0, "young attempts may still be on their way"
    assert await recover_attempts(floor.desk, now() + LONG_AFTER) == 1
    assert await floor.said() == ["executed"]
    assert await recover_attempts(floor.desk, now() + LONG_AFTER) == 0
    await floor.deliver(message)
    assert await floor.said() == ["executed"]
    assert await floor.count("sim_orders") == 1


@pytest.mark.requirement("R-2")
async def test_a_recovered_order_keeps_its_own_correlation(floor: Floor, line: Line) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    line.breaks_after = [Broken()]
    with dying():
        await floor.deliver(message)
    await recover_attempts(floor.desk, now() + LONG_AFTER)
    async with floor.database.system() as session:
        rows = await session.exec_driver_sql("SELECT DISTINCT correlation_id FROM events")
        assert rows.scalars().all() == [message.correlation_id]


@pytest.mark.requirement("R-3")
async def test_an_order_without_an_answer_is_unknown_until_the_brokers_list_shows_it(floor: Floor, line: Line) -> None:
    await floor.tape.quotes()
    line.breaks_after = [Unreachable("the connection was reset")]
    await floor.submit(an_order(floor.tape.symbol))
    [(name, data)] = await floor.facts()
    assert (name, data["text"]) == ("unknown", "the connection was reset; the order list is being asked.")
    await recover_attempts(floor.desk, now() + LONG_AFTER)
    assert await floor.said() == ["unknown", "executed"]
    assert len(line.sent) == 1


@pytest.mark.requirement("R-3")
async def test_a_broker_that_takes_too_long_leaves_the_order_unknown(floor: Floor, line: Line) -> None:
    floor.desk = replace(floor.desk, settings=floor.desk.settings.model_copy(update={"submit_timeout_seconds": 1}))
    await floor.tape.quotes()
    line.hangs = True
    await floor.submit(an_order(floor.tape.symbol))
    [(name, data)] = await floor.facts()
    assert (name, data["text"]) == ("unknown", "No answer within 1 seconds; the order list is being asked.")
    await recover_attempts(floor.desk, now() + LONG_AFTER)
    assert await floor.said() == ["unknown", "executed"]


@pytest.fixture
def vague(line: Line) -> Capabilities:
    """A broker like most: an order it does not show may yet appear."""
    line.capabilities = replace(line.capabilities, absence_is_certain=False)
    return line.capabilities


@pytest.mark.requirement("R-3", "R-4")
@pytest.mark.usefixtures("vague")
async def test_where_absence_proves_nothing_an_order_is_never_sent_again(floor: Floor, line: Line) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    line.breaks_before = [Unreachable("the connection was reset")]
    await floor.deliver(message)
    for _ in range(3):
        await floor.deliver(message)
        await recover_attempts(floor.desk, now() + LONG_AFTER)
    assert await floor.said() == ["unknown"]
    assert not line.sent


@pytest.mark.requirement("R-2", "R-4")
@pytest.mark.usefixtures("vague")
async def test_a_death_where_absence_proves_nothing_ends_as_unknown(floor: Floor, line: Line) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    line.breaks_before = [Broken()]
    with dying():
        await floor.deliver(message)
    await floor.deliver(message)
    assert await floor.said() == ["unknown"]
    assert not line.sent


async def test_an_order_that_was_certainly_not_sent_is_tried_again(floor: Floor, line: Line) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    line.breaks_before = [NotSent("no connection")]
    with pytest.raises(Unavailable):
        await floor.deliver(message)
    assert await floor.said() == []
    await floor.deliver(message)
    assert await floor.said() == ["executed"]


async def test_an_order_that_could_not_be_sent_for_too_long_is_rejected(floor: Floor, line: Line) -> None:
    message = submitted(an_order(floor.tape.symbol))
    line.breaks_before = [NotSent("no connection"), NotSent("no connection")]
    with pytest.raises(Unavailable):
        await floor.deliver(message)
    floor.desk = replace(floor.desk, clock=lambda: now() + LONG_AFTER)
    await floor.deliver(message)
    [(name, data)] = await floor.facts()
    assert (name, data["code"]) == ("rejected", "broker_unreachable")


@pytest.mark.requirement("R-59")
async def test_an_order_from_before_a_restore_is_looked_for_and_never_sent(floor: Floor, line: Line) -> None:
    """The backup does not know whether it went out. Where absence is certain it ends: its price is of another day."""
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    restored = floor.desk.settings.model_copy(update={"restored_at": message.time + timedelta(seconds=1)})
    floor.desk = replace(floor.desk, settings=restored)
    await floor.deliver(message)
    await recover_attempts(floor.desk, now() + LONG_AFTER)
    assert line.sent == []
    [(name, data)] = await floor.facts()
    assert (name, data["code"]) == ("rejected", "not_placed")


@pytest.mark.requirement("R-59")
async def test_an_order_that_was_at_its_broker_before_a_restore_is_found_there(floor: Floor, line: Line) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="60000")
    message = submitted(order)
    await line.submit(order, order.key)  # the world did it, and the backup forgot
    restored = floor.desk.settings.model_copy(update={"restored_at": message.time + timedelta(seconds=1)})
    floor.desk = replace(floor.desk, settings=restored)
    await floor.deliver(message)
    assert line.sent == [order.key], "once, before the restore"
    assert await floor.said() == ["accepted"]


@pytest.mark.requirement("R-59")
async def test_an_order_from_after_a_restore_is_sent(floor: Floor, line: Line) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))
    restored = floor.desk.settings.model_copy(update={"restored_at": message.time - timedelta(seconds=1)})
    floor.desk = replace(floor.desk, settings=restored)
    await floor.deliver(message)
    assert await floor.said() == ["executed"]


@pytest.mark.requirement("R-2")
async def test_at_our_own_exchange_the_attempt_is_kept_with_the_books_and_only_the_answer_waits_for_the_disk(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    with watched(monkeypatch) as ended:
        await floor.submit(an_order(floor.tape.symbol))
    assert ended == [(True, 1, 1), (False, 1, 1)], "two transactions: attempt and books, then the answer"
    assert await floor.said() == ["executed"]


async def test_an_order_in_house_waits_for_whoever_holds_its_book(floor: Floor) -> None:
    await floor.tape.quotes()
    async with floor.database.system() as session:
        await books.lock_symbol(session, floor.tape.symbol)
        submitting = asyncio.create_task(floor.submit(an_order(floor.tape.symbol)))
        await asyncio.sleep(0.3)
        assert not submitting.done()
        assert await floor.count("sim_orders") == 0
    await submitting
    assert await floor.said() == ["executed"]


@pytest.mark.requirement("R-3", "R-15")
async def test_an_order_that_a_report_told_of_before_its_own_answer_is_told_of_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    order, save_first = an_order(floor.tape.symbol, limit_price="70000"), portions.save_first

    async def late(*given: Any) -> list[bool]:
        monkeypatch.undo()
        await floor.tick(ask="69900")
        await floor.hear()
        return await save_first(*given)

    monkeypatch.setattr(portions, "save_first", late)
    await floor.submit(order)
    assert await floor.said() == ["executed"]
    assert [await floor.count(each) for each in ("sim_executions", "broker_executions", "inbox")] == [1, 1, 1]


async def test_an_order_in_house_whose_quotes_are_out_of_reach_is_kept_and_tried_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    message = submitted(an_order(floor.tape.symbol))

    async def away(_: str) -> None:
        raise NotSent("no connection to the quotes")

    with monkeypatch.context() as patched:
        patched.setattr(floor.simulator, "_quote", away)
        with pytest.raises(Unavailable):
            await floor.deliver(message)
    assert (await floor.count("attempts"), await floor.count("sim_orders")) == (1, 0)
    await floor.deliver(message)
    assert await floor.said() == ["executed"]
