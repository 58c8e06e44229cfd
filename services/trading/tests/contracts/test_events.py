"""Contracts: what we announce has the shape of the golden examples, and what we listen to reads them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.consumer import Later
from kit.db import Database
from kit.events import Envelope, Event
from kit.ids import new_id
from trading import events
from trading.domain.order import TRANSITIONS, Status
from trading.domain.request import AccountId
from trading.subscriptions import subscriptions

from services.trading.tests.builders import an_order
from services.trading.tests.desk import Desk

EXAMPLES = Path(__file__).resolve().parents[4] / "contracts" / "events"
ANNOUNCED: dict[str, type[Event]] = {
    kind.TYPE: kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and hasattr(kind, "TYPE")
}


def example(event_type: str) -> dict[str, Any]:
    file = EXAMPLES / f"{event_type}.example.json"
    if not file.is_file():
        pytest.skip(f"there is no golden example of {event_type} yet")
    message: dict[str, Any] = json.loads(file.read_text())
    return message


@pytest.mark.parametrize("event_type", sorted(ANNOUNCED))
def test_an_announced_event_has_exactly_the_fields_of_its_example(event_type: str) -> None:
    data = example(event_type)["data"]
    assert ANNOUNCED[event_type].model_validate(data).model_dump(mode="json").keys() == data.keys()


@pytest.mark.parametrize("event_type", sorted(subscriptions.handlers))
def test_a_subscription_reads_the_example_of_what_it_listens_to(event_type: str) -> None:
    subscriptions.handlers[event_type].model.model_validate(example(event_type)["data"])


def test_every_status_an_order_can_come_to_is_announced() -> None:
    asked_of_the_broker = {
        Status.SUBMITTED,
        Status.PENDING_CANCEL,
        Status.PENDING_REPLACE,
    }  # requests, with events of their own
    reached = {after for row in TRANSITIONS.values() for after in row.values()} | {Status.DENIED, Status.HELD}
    for status in reached - asked_of_the_broker:
        order = replace(an_order(), status=status)
        assert f"trading.order.{status}.v1" == events.order_changed(order).TYPE


class TestSubscriptions:
    async def deliver(self, desk: Desk, event_type: str, **data: Any) -> None:
        message = Envelope.model_validate({**example(event_type), "owner": desk.owner, "id": new_id()})
        message = message.model_copy(update={"data": {**message.data, **data}})
        subscription = subscriptions.handlers[event_type]
        async with desk.database.owned(desk.owner) as session:
            await subscription.handler(session, subscription.model.model_validate(message.data), message)

    async def test_a_buy_goes_from_accepted_to_filled_by_the_brokers_events(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.places()
        about = {"order_id": order.id, "account_id": order.account_id}
        await self.deliver(desk, "broker.order.accepted.v1", **about)
        await self.deliver(desk, "broker.order.executed.v1", **about)
        part = await desk.order(order.id)
        assert (part.status, part.filled_quantity, part.fee) == (Status.PARTIALLY_FILLED, 4, 33)
        await desk.asks_to_cancel(order)
        await self.deliver(desk, "broker.order.cancel_rejected.v1", **about)
        assert (await desk.order(order.id)).status is Status.PARTIALLY_FILLED
        await self.deliver(desk, "broker.order.canceled.v1", **about)
        assert (await desk.order(order.id)).status is Status.CANCELED
        await desk.proves()

    @pytest.mark.parametrize(
        ("event_type", "status", "reason"),
        [
            ("broker.order.rejected.v1", Status.REJECTED, "unknown_symbol"),
            ("broker.order.expired.v1", Status.EXPIRED, None),
            ("broker.order.unknown.v1", Status.UNKNOWN, None),
        ],
    )
    async def test_other_answers_end_it_or_leave_it_unknown(
        self, database: Database, event_type: str, status: Status, reason: str | None
    ) -> None:
        desk = await Desk.open(database)
        order = await desk.places()
        await self.deliver(desk, event_type, order_id=order.id, account_id=order.account_id)
        after = await desk.order(order.id)
        assert (after.status, after.reason) == (status, reason)

    async def test_an_answer_that_comes_before_its_order_comes_again_later(self, database: Database) -> None:
        desk = await Desk.open(database)
        for event_type in subscriptions.handlers:
            if event_type.startswith("broker.order."):
                with pytest.raises(Later):
                    await self.deliver(desk, event_type, order_id=new_id(), account_id=AccountId(new_id()))

    @pytest.mark.requirement("R-10")
    async def test_a_halt_asked_for_from_outside_withdraws_what_is_open_and_lets_nothing_more_through(
        self, database: Database
    ) -> None:
        desk, stranger = await Desk.open(database), await Desk.open(database)
        order = await desk.places()
        await self.deliver(desk, "notification.halt.requested.v1")
        assert (await desk.order(order.id)).status is Status.PENDING_CANCEL
        assert (await desk.places()).reason == "trading_halted"
        assert (await stranger.places()).is_open
