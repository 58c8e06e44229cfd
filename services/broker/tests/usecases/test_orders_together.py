"""Orders that come to one book at once are placed in one transaction, and nobody can tell but by the time it takes."""

import asyncio
from dataclasses import replace
from typing import Any, Final

import pytest
from broker.adapters.simulator import books
from broker.pit import TOGETHER_MAX
from broker.store import portions
from broker.usecases.recover_attempts import recover_attempts
from kit import db
from kit.clock import now
from kit.events import Envelope
from kit.testing.round_trips import RelayHere, counted
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.broker.tests.builders import an_order, submitted
from services.broker.tests.floor import Broken, Floor
from services.broker.tests.usecases.test_submit_order import LONG_AFTER
from services.broker.tests.usecases.watching import watched

TOLD: Final = text("SELECT owner_id, correlation_id, causation_id, subject, type, data FROM events ORDER BY position")
SEEN: Final = text("SELECT message_id FROM inbox")
TABLES: Final = ("attempts", "sim_orders", "sim_executions", "broker_executions", "inbox")


async def together(floor: Floor, *messages: Envelope) -> list[BaseException | None]:
    return await asyncio.gather(*(floor.deliver(each) for each in messages), return_exceptions=True)


async def counts(floor: Floor) -> list[int]:
    return [await floor.count(table) for table in TABLES]


@pytest.mark.requirement("R-2", "R-15")
async def test_many_at_once_are_answered_each_with_a_number_an_owner_and_a_story_of_its_own(floor: Floor) -> None:
    await floor.tape.quotes(ask_size="100")
    messages = [submitted(an_order(floor.tape.symbol)) for _ in range(TOGETHER_MAX)]
    assert await together(floor, *messages) == [None] * len(messages)
    async with floor.database.system() as session:
        told = {row.causation_id: row for row in await session.execute(TOLD)}
        seen = set((await session.scalars(SEEN)).all())
    assert seen == told.keys() == {message.id for message in messages}
    for message in messages:
        row = told[message.id]
        assert (row.owner_id, row.correlation_id) == (message.owner, message.correlation_id)
        assert row.subject == row.data["order_id"] == message.data["order_id"]
    numbers = [told[message.id].data["broker_order_id"] for message in messages]
    assert sorted(set(numbers)) == numbers, "in the order in which they came"
    names = [told[message.id].type.split(".")[2] for message in messages]
    assert names == ["executed"] * 10 + ["accepted"] * 6, "the first hundred shares were there, and no more"


@pytest.mark.requirement("R-2")
async def test_sixteen_take_as_many_round_trips_as_one(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    floor.database.wake_here(RelayHere())
    await floor.tape.quotes()
    await floor.submit(an_order(floor.tape.symbol))
    spent = []
    for count in (1, TOGETHER_MAX):
        messages = [submitted(an_order(floor.tape.symbol, quantity="1")) for _ in range(count)]
        with counted(monkeypatch) as asked:
            await together(floor, *messages)
        spent.append(len(asked))
    assert spent == [6, 6], "to begin, attempts, to read, to write, to commit, and the answers"


@pytest.mark.requirement("R-2")
async def test_attempts_and_books_are_one_transaction_and_all_answers_wait_for_the_disk_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    messages = [submitted(an_order(floor.tape.symbol, quantity="1")) for _ in range(5)]
    with watched(monkeypatch) as ended:
        await together(floor, *messages)
    assert ended == [(True, 5, 5), (False, 5, 5)]
    assert await floor.said() == ["executed"] * 5


async def test_those_who_come_while_others_are_placed_go_together_next(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    orders = [an_order(floor.tape.symbol, quantity="1") for _ in range(TOGETHER_MAX)]
    with watched(monkeypatch) as ended:
        async with floor.database.system() as session:
            await books.lock_symbol(session, floor.tape.symbol)
            placed = [asyncio.create_task(floor.submit(orders[0]))]
            await asyncio.sleep(0.1)
            placed += [asyncio.create_task(floor.submit(each)) for each in orders[1:]]
            await asyncio.sleep(0.1)
            ended.clear()
        await asyncio.gather(*placed)
    count = len(orders)
    assert ended[-4:] == [(True, 1, 1), (False, 1, 1), (True, count, count), (False, count, count)]


@pytest.mark.requirement("R-15")
async def test_those_of_one_portion_meet_and_each_is_told_of_what_it_traded_once(floor: Floor) -> None:
    await floor.tape.quotes(bid_size="0", ask_size="0")
    sale = an_order(floor.tape.symbol, side="sell", limit_price="70000", quantity="10")
    large = an_order(floor.tape.symbol, side="sell", limit_price="70000", quantity="10")
    buy = an_order(floor.tape.symbol, limit_price="70000", quantity="15")
    await together(floor, *(submitted(each) for each in (sale, large, buy)))
    await floor.hear()
    assert await floor.said(sale) == ["executed"], "it was filled before its answer: it was never waiting"
    assert await floor.said(large) == ["accepted", "executed"]
    assert await floor.said(buy) == ["executed", "executed"]
    assert await counts(floor) == [3, 3, 4, 4, 3]


@pytest.mark.requirement("R-15")
async def test_the_same_message_twice_in_one_portion_is_handled_once(floor: Floor) -> None:
    await floor.tape.quotes()
    twice, once = submitted(an_order(floor.tape.symbol)), submitted(an_order(floor.tape.symbol))
    assert await together(floor, twice, once, twice, twice) == [None] * 4
    assert await floor.said() == ["executed", "executed"]
    assert await counts(floor) == [2] * 5


@pytest.mark.requirement("R-15")
async def test_one_that_was_placed_before_harms_nobody_it_comes_back_with(floor: Floor) -> None:
    await floor.tape.quotes()
    messages = [submitted(an_order(floor.tape.symbol)) for _ in range(4)]
    await floor.deliver(messages[1])
    await together(floor, *messages)
    assert await floor.said() == ["executed"] * 4
    assert await counts(floor) == [4] * 5


async def test_one_that_the_exchange_knows_without_an_attempt_is_answered_by_what_it_knows(floor: Floor) -> None:
    await floor.tape.quotes()
    known, new = an_order(floor.tape.symbol), an_order(floor.tape.symbol)
    await floor.simulator.submit(known, known.key)
    await together(floor, submitted(new), submitted(known))
    assert sorted(await floor.said()) == ["executed", "executed"]
    assert await counts(floor) == [2] * 5
    assert await floor.simulator.submit(known, known.key) == await floor.simulator.find(known, known.key, now())


@pytest.mark.requirement("R-15")
async def test_without_a_quote_all_are_refused_and_the_same_key_is_refused_again(floor: Floor) -> None:
    orders = [an_order(floor.tape.symbol) for _ in range(3)]
    await floor.simulator.submit(orders[0], orders[0].key)
    await together(floor, *(submitted(each) for each in orders))
    assert [data["code"] for _, data in await floor.facts()] == ["unknown_symbol"] * 3
    assert await floor.count("sim_orders") == 3


@pytest.mark.requirement("R-15")
async def test_one_that_cannot_be_written_harms_nobody_of_its_portion(floor: Floor) -> None:
    await floor.tape.quotes()
    fine = [submitted(an_order(floor.tape.symbol)) for _ in range(3)]
    wrong = submitted(an_order(floor.tape.symbol))
    wrong.data["broker"] = "\x00"
    outcomes = await together(floor, fine[0], wrong, *fine[1:])
    assert [isinstance(each, DBAPIError) for each in outcomes] == [False, True, False, False]
    assert await floor.said() == ["executed"] * 3
    assert await counts(floor) == [3] * 5


@pytest.mark.requirement("R-2", "R-23")
async def test_answers_that_could_not_be_kept_together_are_found_in_the_books_one_by_one(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    messages = [submitted(an_order(floor.tape.symbol)) for _ in range(3)]

    async def breaks(*_: Any) -> list[bool]:
        raise Broken

    monkeypatch.setattr(portions, "save_first", breaks)
    assert await together(floor, *messages) == [None] * 3
    assert await floor.said() == ["executed"] * 3
    assert await counts(floor) == [3] * 5
    async with floor.database.system() as session:
        told = (await session.execute(TOLD)).all()
    assert {(row.correlation_id, row.causation_id) for row in told} == {
        (message.correlation_id, message.id) for message in messages
    }


@pytest.mark.requirement("R-2", "R-3")
@pytest.mark.parametrize("is_committed", [True, False])
async def test_a_portion_whose_commit_has_no_outcome_is_looked_for_and_never_placed_twice(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    await floor.tape.quotes()
    messages = [submitted(an_order(floor.tape.symbol)) for _ in range(3)]
    say, lost = db._say, []

    async def loses_the_first(driver: Any, command: str) -> str:
        if "COMMIT" in command and not lost:
            lost.append(command)
            if is_committed:
                await say(driver, command)
            raise ConnectionResetError
        return await say(driver, command)

    monkeypatch.setattr(db, "_say", loses_the_first)
    assert await together(floor, *messages) == [None] * 3
    assert lost
    assert await floor.said() == ["executed"] * 3
    assert await counts(floor) == [3] * 5


@pytest.mark.requirement("R-2", "R-15")
async def test_a_cancelled_caller_harms_nobody_and_its_message_finishes_its_order_when_it_comes_again(
    floor: Floor,
) -> None:
    await floor.tape.quotes()
    messages = [submitted(an_order(floor.tape.symbol)) for _ in range(4)]
    async with floor.database.system() as session:
        await books.lock_symbol(session, floor.tape.symbol)
        placed = [asyncio.create_task(floor.deliver(messages[0]))]
        await asyncio.sleep(0.1)
        placed += [asyncio.create_task(floor.deliver(each)) for each in messages[1:]]
        await asyncio.sleep(0.1)
        placed[0].cancel()
        placed[2].cancel()
        await asyncio.sleep(0.1)
    outcomes = await asyncio.gather(*placed, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in outcomes] == [True, False, True, False]
    assert await floor.said() == ["executed"] * 3, "the first was under way, the third had not begun"
    await together(floor, messages[0], messages[2])
    assert await floor.said() == ["executed"] * 4
    assert await counts(floor) == [4] * 5


@pytest.mark.requirement("R-3")
async def test_who_waits_longer_than_a_broker_may_take_leaves_nothing_and_goes_its_own_way(floor: Floor) -> None:
    quick = floor.desk.settings.model_copy(update={"submit_timeout_seconds": 1})
    floor.desk = replace(floor.desk, settings=quick)
    await floor.tape.quotes()
    messages = [submitted(an_order(floor.tape.symbol)) for _ in range(3)]
    async with floor.database.system() as session:
        await books.lock_symbol(session, floor.tape.symbol)
        assert await together(floor, *messages) == [None] * 3
        assert await counts(floor) == [3, 0, 0, 0, 3], "each by itself, and each without an answer too"
        assert await floor.said() == ["unknown"] * 3
    await recover_attempts(floor.desk, now() + LONG_AFTER)
    assert sorted(await floor.said()) == ["executed"] * 3 + ["unknown"] * 3
    assert await counts(floor) == [3] * 5
