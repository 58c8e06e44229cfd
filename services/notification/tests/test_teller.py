"""What many owners are told at once is written at once: each in order, once, and nobody harmed by another."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from kit.clock import now
from kit.consumer import Read
from kit.events import Envelope
from kit.ids import new_id
from notification.domain.owner import OwnerId
from notification.resources import Resources
from notification.store.stream import Numbered
from notification.subscriptions import subscriptions, told_of
from notification.teller import Teller

from services.notification.tests.test_subscriptions import example, rows

FILL = "trading.fill.booked.v1"


def a_read(owner: object, event_type: str = FILL, **changes: Any) -> Read:
    message = {**example(event_type), "owner": owner, **changes}
    envelope = Envelope.model_validate(message)
    subscription = subscriptions.handlers[event_type]
    return Read(envelope, subscription, subscription.model.model_validate(envelope.data))


def a_teller(worker: Resources, heard: dict[OwnerId, list[Numbered]]) -> Teller:
    def publish(owner: OwnerId, entries: Sequence[Numbered]) -> None:
        heard.setdefault(owner, []).extend(entries)

    return Teller(worker.database, partial(told_of, None), publish, now, f"test-{new_id()}")


@pytest.mark.requirement("R-15")
async def test_many_owners_share_a_transaction_and_each_has_a_stream_without_gaps(worker: Resources) -> None:
    heard: dict[OwnerId, list[Numbered]] = {}
    teller, owners = a_teller(worker, heard), [OwnerId(new_id()) for _ in range(8)]
    for _ in range(3):
        batches = [[a_read(owner), a_read(owner, "trading.balance.changed.v1")] for owner in owners]
        assert await asyncio.gather(*(teller.tell(batch) for batch in batches)) == [["done", "done"]] * len(owners)
    written = await rows(worker, "SELECT owner_id, seq, type, xmin::text AS shared FROM stream ORDER BY owner_id, seq")
    for owner in owners:
        mine = [row for row in written if row.owner_id == owner]
        assert [row.type for row in mine] == ["execution", "order", "position", "balance", "notice", "balance"] * 3
        assert [row.seq for row in mine] == list(range(1, 19)) == [entry.seq for entry in heard[owner]]
        assert [row.type for row in mine] == [entry.type for entry in heard[owner]]
    assert len({row.shared for row in written if row.owner_id in owners}) == 3
    assert {len(each) for each in heard.values()} == {18}


@pytest.mark.requirement("R-15")
async def test_a_message_that_comes_again_is_known_and_the_others_with_it_are_told(worker: Resources) -> None:
    teller, owner = a_teller(worker, {}), OwnerId(new_id())
    first, second = a_read(owner), a_read(owner)
    assert await teller.tell([first]) == ["done"]
    assert await teller.tell([first, second, second]) == ["known", "done", "known"]
    [told] = await rows(worker, f"SELECT count(*) AS count FROM stream WHERE owner_id = '{owner}'")
    assert told.count == 10


@pytest.mark.requirement("R-15")
async def test_who_cannot_be_told_with_others_is_left_to_the_consumer_and_harms_nobody(worker: Resources) -> None:
    teller, fine, wrong = a_teller(worker, {}), OwnerId(new_id()), OwnerId(new_id())
    unwritable = {**example("trading.balance.changed.v1")["data"], "currency": "\x00"}
    poisoned = a_read(wrong, "trading.balance.changed.v1", data=unwritable)
    outcomes = await asyncio.gather(teller.tell([a_read(fine)]), teller.tell([poisoned]))
    assert outcomes == [None, None], "both go the consumer's way, one by one: nothing of either was written"
    assert await rows(worker, f"SELECT seq FROM stream WHERE owner_id IN ('{fine}', '{wrong}')") == []
    assert await teller.tell([a_read(fine)]) == ["done"]


async def test_who_has_a_channel_is_told_with_their_deliveries(worker: Resources) -> None:
    teller, owner = a_teller(worker, {}), OwnerId(new_id())
    async with worker.database.system() as session:
        await session.exec_driver_sql(
            "INSERT INTO channels (id, owner_id, kind, name, shown, sealed, status, retry_at, created_at)"
            f" VALUES ('{new_id()}', '{owner}', 'webhook', 'Mine', 'mine', '', 'active', now(), now())"
        )
    assert await teller.tell([a_read(owner)]) is None
    assert await teller.tell([a_read(owner, "trading.balance.changed.v1")]) == ["done"], "this is no notice"


async def test_what_is_not_for_telling_is_left_to_its_handler(worker: Resources) -> None:
    teller = a_teller(worker, {})
    assert await teller.tell([a_read(None, "market.bar.closed.v1")]) is None
    assert await teller.tell([a_read(new_id(), "auth.permissions.changed.v1")]) is None
