"""The word that an order was accepted, kept without a lock: as the ordinary way keeps it, or not at all."""

import asyncio
from decimal import Decimal

import pytest
from kit.consumer import Read
from kit.db import Database
from kit.events import Envelope
from kit.ids import new_id
from kit.testing.round_trips import RelayHere, counted
from trading.booker import ACCEPTED, PORTION_MAX
from trading.domain.order import Happening, Order, Status
from trading.domain.request import Execution
from trading.store.fills import answers
from trading.subscriptions import subscriptions

from services.trading.tests.builders import NOW, a_fill
from services.trading.tests.contracts.test_events import example
from services.trading.tests.desk import Desk
from services.trading.tests.test_booker import (
    Worker,
    a_read,
    desks_of,
    revision_in,
    stored,
)


def accepted(desk: Desk, order: Order) -> Read:
    """That an order was accepted, as the consumer hands it over."""
    told = {**example(ACCEPTED), "id": new_id(), "owner": desk.owner, "correlation_id": new_id(), "time": NOW}
    told["data"] = {**told["data"], "order_id": order.id, "account_id": order.account_id}
    envelope = Envelope.model_validate(told)
    subscription = subscriptions.handlers[ACCEPTED]
    return Read(envelope, subscription, subscription.model.model_validate(envelope.data))


@pytest.mark.requirement("R-15", "R-57")
async def test_what_is_kept_is_what_the_ordinary_way_would_have_kept(database: Database) -> None:
    worker, desks = Worker(database), await desks_of(database, 3)
    reads = [accepted(desk, await desk.places(quantity=Decimal(1))) for desk in desks]
    expected = [await worker.would_write(read) for read in reads]
    await asyncio.gather(*(desk.is_locked() for desk in desks))  # a lock that was undone is seen in its row
    assert await worker.book(*reads) == [["done"]] * 3
    for desk, would in zip(desks, expected, strict=True):
        was = await stored(desk)
        del was["inbox"], would["inbox"]  # here are the others' as well
        assert revision_in(was) == revision_in(would) + 1, "by that lock"
        assert was == would
        assert Decimal((await desk.last_told())["balance"]["held"]) == (await desk.balance()).held > 0
        await desk.proves()


async def test_many_are_two_round_trips(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, desks = Worker(database), await desks_of(database, PORTION_MAX)
    database.wake_here(RelayHere())
    for _ in range(2):  # the first time statements are prepared
        reads = [accepted(desk, await desk.places(quantity=Decimal(1))) for desk in desks]
        with counted(monkeypatch) as asked:
            assert await worker.book(*reads) == [["done"]] * PORTION_MAX
    assert asked == ["fetchmany"] * 2


@pytest.mark.requirement("R-15")
async def test_an_order_is_accepted_before_it_is_filled_however_they_come(database: Database) -> None:
    worker, desks = Worker(database), await desks_of(database, 4)
    batches: list[list[Read]] = []
    fills: list[Execution] = []
    for desk in desks:
        order = await desk.places(quantity=Decimal(2))
        fills.append(a_fill(order, quantity=Decimal(2)))
        batches.append([accepted(desk, order), a_read(desk, fills[-1])])
    assert await worker.book(*batches) == [["done", "done"]] * 4
    for desk, fill in zip(desks, fills, strict=True):
        assert (await desk.announced())[-2:] == ["order.accepted", "fill.booked"]
        assert (await desk.order(fill.order_id)).status is Status.FILLED
        await desk.proves()


@pytest.mark.requirement("R-15")
async def test_old_news_and_a_message_that_comes_again_change_nothing(database: Database) -> None:
    worker, desk = Worker(database), await Desk.open(database)
    order = await desk.places(quantity=Decimal(1))
    read, again = accepted(desk, order), accepted(desk, order)
    assert await worker.hear(read) == ["done"]
    before = await desk.order(order.id)
    assert await worker.book(read, again) == [None, None]
    assert [await worker.hear(read), await worker.hear(again)] == [["known"], ["done"]]
    assert await desk.order(order.id) == before
    assert (await desk.announced()).count("order.accepted") == 1


async def test_an_order_that_ended_or_is_not_there_is_left(database: Database) -> None:
    worker, desk, other = Worker(database), *await desks_of(database, 2)
    order = await desk.places(quantity=Decimal(1))
    assert await worker.book(accepted(other, order)) == [None], "to a stranger it is not there"
    await desk.hears(order, Happening.CANCELED)
    assert await worker.book(accepted(desk, order)) == [None]


@pytest.mark.requirement("R-9")
async def test_a_cancel_that_is_asked_for_meanwhile_is_not_undone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, desk = Worker(database), await Desk.open(database)
    order, save = await desk.places(quantity=Decimal(1)), answers.save_decided

    async def later(*given: object) -> set[object]:
        await desk.asks_to_cancel(order)
        return await save(*given)  # type: ignore[arg-type, return-value]

    monkeypatch.setattr(answers, "save_decided", later)
    read = accepted(desk, order)
    assert await worker.book(read) == [None]
    assert (await desk.order(order.id)).status is Status.PENDING_CANCEL
    monkeypatch.setattr(answers, "save_decided", save)
    assert await worker.hear(read) == ["done"]
    assert (await desk.order(order.id)).status is Status.PENDING_CANCEL
    await desk.proves()
