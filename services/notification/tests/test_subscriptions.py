"""What the other services announce becomes stream and inbox, once, through the real bus."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
from kit import amqp
from kit.clock import now
from kit.consumer import Consumer
from kit.events import Envelope
from kit.ids import new_id
from notification.domain.owner import OwnerId
from notification.domain.preference import Preferences
from notification.resources import Resources
from notification.store import preferences
from notification.store.stream import Numbered
from notification.subscriptions import TELLINGS, subscribe, subscriptions, told_of
from notification.teller import Teller
from sqlalchemy import text

from services.notification.tests.people import running, until

EXAMPLES = Path(__file__).parents[3] / "contracts" / "events"
NOTICES = {
    "trading.fill.booked.v1": "Bought 10 005930 at ₩56,000",
    "trading.order.filled.v1": "Bought 10 005930 at ₩56,000",
    "trading.order.denied.v1": "Order denied: buy 1,000 005930",
    "trading.order.rejected.v1": "Order rejected: buy 10 005930",
    "backtest.run.finished.v1": "Backtest is done",
    "trading.halt.changed.v1": "Trading is halted for an account",
    "trading.ledger.disproved.v1": "The ledger proof of an account failed",
    "trading.order.silent.v1": "The broker does not answer about an order",
    "auth.second_factor.reset.v1": "The operator removed your second factor",
    "trading.account.mismatched.v1": "An account is not as your broker shows it",
    "broker.order.needs_human.v1": "An order at your broker needs you",
    "trading.signal.raised.v1": "Buy signal: 005930 at 55,800",
    "trading.automation.changed.v1": (
        "Automation 'RSI 30 반등' is paused: it buys nothing, and sells what its rules and stops say"
    ),
    "trading.automation.reported.v1": "Automation 'RSI 30 반등' found problems before the open",
    "broker.connection.refused.v1": "kis refuses your credentials",
    "trading.prices.missed.v1": "No prices of KRX are coming",
    "trading.prices.regained.v1": "Prices of KRX are coming again",
    "trading.hook.troubled.v1": "There is trouble with the hook 'TradingView 추세'",
}
NOTICES_ALONE = {
    "backtest.run.finished.v1",
    "trading.halt.changed.v1",
    "trading.ledger.disproved.v1",
    "trading.order.silent.v1",
    "auth.second_factor.reset.v1",
    "trading.account.mismatched.v1",
    "broker.order.needs_human.v1",
    "broker.connection.refused.v1",
    "trading.automation.changed.v1",
    "trading.automation.reported.v1",
    "trading.prices.missed.v1",
    "trading.prices.regained.v1",
    "trading.hook.troubled.v1",
}
PARTS = {
    "trading.fill.booked.v1": ("execution", "order", "position", "balance"),
    "trading.order.accepted.v1": ("balance",),
    "trading.order.unknown.v1": ("balance",),
}
MADE_OF_PARTS = {"trading.fill.booked.v1"}
UNTOLD = {"auth.permissions.changed.v1", "market.bar.closed.v1"}


def example(event_type: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads((EXAMPLES / f"{event_type}.example.json").read_text())
    return message | {"id": str(new_id())}


async def rows(worker: Resources, statement: str) -> list[Any]:
    async with worker.database.system() as session:
        return list((await session.execute(text(statement))).all())


async def test_every_announcement_is_passed_on_as_it_came(worker: Resources) -> None:
    telling = {name: found for name, found in subscriptions.handlers.items() if not found.phases and name not in UNTOLD}
    for event_type, subscription in telling.items():
        message = Envelope.model_validate({**example(event_type), "owner": new_id()})
        fact = subscription.model.model_validate(message.data)
        assert message.owner is not None
        async with worker.database.owned(message.owner) as session:
            await preferences.save(session, OwnerId(message.owner), Preferences(language="en"))
            await subscription.handler(session, fact, message)
        told = await rows(worker, f"SELECT * FROM stream WHERE owner_id = '{message.owner}' ORDER BY seq")
        inbox = await rows(worker, f"SELECT id, title FROM notifications WHERE owner_id = '{message.owner}'")
        noun = event_type.split(".")[1]
        passed = [(row.type, row.data) for row in told if row.type != "notice"]
        parts = [(part, message.data[part]) for part in PARTS.get(event_type, ())]
        whole = {name: value for name, value in message.data.items() if name not in PARTS.get(event_type, ())}
        is_told = event_type not in {*NOTICES_ALONE, *MADE_OF_PARTS}
        assert passed == [*([(noun, whole)] if is_told else []), *parts]
        expected = [(message.id, NOTICES[event_type])] if event_type in NOTICES else []
        assert [(row.id, row.title) for row in inbox] == expected
        assert [row.seq for row in told] == list(range(1, len(passed) + len(expected) + 1))
        assert {row.created_at for row in told} == {message.time}


@asynccontextmanager
async def a_bus(amqp_url: str, consumer: str) -> AsyncIterator[Callable[[dict[str, Any]], Awaitable[Any]]]:
    """A queue of our own, because the service's may belong to another run, and a way to publish to it."""
    connection = await amqp.connect(amqp_url, "test")
    async with connection:
        queue = await amqp.open_queue(connection, consumer, list(subscriptions.handlers))
        channel = await connection.channel()
        exchange = await channel.get_exchange(amqp.EXCHANGE)

        async def publish(message: dict[str, Any]) -> None:
            body = aio_pika.Message(json.dumps(message).encode(), headers={"owner": message["owner"]})
            await exchange.publish(body, message["type"])

        yield publish
        await queue.delete(if_unused=False, if_empty=False)
        await (await channel.get_queue(f"{consumer}.dead")).delete(if_unused=False, if_empty=False)


@pytest.mark.requirement("R-15")
@pytest.mark.parametrize("gathered", [True, False])
async def test_messages_from_the_bus_are_told_in_order_and_once(
    worker: Resources, amqp_url: str, *, gathered: bool
) -> None:
    hints: list[Sequence[Numbered]] = []

    def hear(_owner: OwnerId, entries: Sequence[Numbered]) -> None:
        hints.append(entries)

    mine = subscribe(hear)
    mine.consumer = f"test-{uuid4().hex[:12]}"
    owner = str(new_id())
    types = ["trading.order.partially_filled.v1", "trading.execution.recorded.v1", "trading.order.filled.v1"] * 5
    messages = [{**example(each), "owner": owner} for each in types]
    expected = ["order", "execution", "order", "notice"] * 5
    async with a_bus(amqp_url, mine.consumer) as publish:
        for message in (*messages, *messages[:3]):
            await publish(message)
        if gathered:
            mine.gathered = Teller(worker.database, partial(told_of, None), hear, now, mine.consumer).tell
        async with running(Consumer(mine, worker, amqp_url).run()):
            statement = f"SELECT type, seq, xmin::text AS shared FROM stream WHERE owner_id = '{owner}' ORDER BY seq"
            await until(lambda: rows(worker, statement), lambda found: len(found) >= len(expected))
            await publish({**example(types[0]), "owner": owner})
            told = await until(lambda: rows(worker, statement), lambda found: len(found) > len(expected))
    assert [row.type for row in told] == [*expected, "order"]
    assert [row.seq for row in told] == list(range(1, len(told) + 1))
    assert [entry.seq for entries in hints for entry in entries] == [row.seq for row in told]
    assert len(hints) == len({row.shared for row in told}) < len(messages), "what waits shares transactions and hints"


@pytest.mark.requirement("R-15")
async def test_a_message_that_cannot_be_told_harms_none_of_those_it_came_with(
    worker: Resources, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.consumer.TRIES_MAX", 1)
    mine = subscribe(lambda _owner, _entries: None)
    mine.consumer = f"test-{uuid4().hex[:12]}"
    owner = str(new_id())
    messages = [{**example("trading.order.accepted.v1"), "owner": owner, "data": {"number": n}} for n in range(5)]
    messages[2]["data"] = {"number": "\0"}  # which PostgreSQL does not store
    async with a_bus(amqp_url, mine.consumer) as publish:
        for message in messages:
            await publish(message)
        async with running(Consumer(mine, worker, amqp_url).run()):
            statement = f"SELECT seq, data FROM stream WHERE owner_id = '{owner}' ORDER BY seq"
            told = await until(lambda: rows(worker, statement), lambda found: len(found) == 4)
    assert [(row.seq, row.data["number"]) for row in told] == [(1, 0), (2, 1), (3, 3), (4, 4)]


@pytest.mark.requirement("R-59")
async def test_what_happened_before_a_restore_reaches_the_stream_and_is_no_notice(worker: Resources) -> None:
    message = Envelope.model_validate({**example("trading.order.filled.v1"), "owner": new_id()})
    assert message.owner is not None
    for restored_at, notices in ((message.time, 0), (message.time - timedelta(seconds=1), 1)):
        owner = new_id()
        told = message.model_copy(update={"id": new_id(), "owner": owner})
        subscription = subscribe(lambda _owner, _entries: None, restored_at).handlers[message.type]
        async with worker.database.owned(owner) as session:
            await subscription.handler(session, subscription.model.model_validate(told.data), told)
        assert len(await rows(worker, f"SELECT id FROM notifications WHERE owner_id = '{owner}'")) == notices
        assert len(await rows(worker, f"SELECT seq FROM stream WHERE owner_id = '{owner}' AND type = 'order'")) == 1


def test_a_part_that_is_null_is_no_entry() -> None:
    message = example("trading.order.accepted.v1")["data"]
    told = TELLINGS["trading.order.accepted.v1"].entries({**message, "balance": None})
    assert [entry.type for entry in told] == ["order"]
    assert "balance" not in told[0].data
    assert TELLINGS["trading.order.accepted.v1"].entries(dict(told[0].data)) == told, "as the version before told it"
