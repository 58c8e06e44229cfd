"""Orders whose answer was lost, through the real use cases, database and wire: none is doubled, none is mistaken."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from broker.adapters.kis.connector import Kis
from broker.config import Settings
from broker.desk import Desk
from broker.domain.attempt import Attempt, AttemptState
from broker.domain.order import Absent, Accepted, Ambiguous, ClientKey, OrderIntent, Refused
from broker.store import attempts, system
from broker.subscriptions import subscriptions
from broker.usecases.recover_attempts import recover_attempts
from emulators.house import Slip
from kit.db import Database
from kit.errors import Unavailable
from kit.events import Envelope
from kit.ids import new_id
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.builders import an_order, submitted
from services.broker.tests.kis.emulator import Emulator, emulator
from services.broker.tests.remote import OneLine

ROUNDS_MAX = 12


@dataclass
class Floor:
    """A desk whose only broker is KIS, at one emulator."""

    kis: Emulator
    desk: Desk
    connection: UUID
    made: dict[str, list[Slip]] = field(default_factory=dict)

    async def deliver(self, message: Envelope) -> bool:
        """Handle a message as the worker does; false when it must come again."""
        subscription = subscriptions.handlers[message.type]
        message.data.update(broker="kis", connection_id=str(self.connection))
        before = set(self.kis.house.slips)
        try:
            await subscription.handler(self.desk, subscription.model.model_validate(message.data), message)
        except Unavailable:
            return False
        finally:
            new = [slip for number, slip in self.kis.house.slips.items() if number not in before]
            self.made.setdefault(message.data["order_id"], []).extend(new)
        return True

    async def attempt(self, order: OrderIntent) -> tuple[AttemptState, str | None, bool]:
        async with self.desk.database.system() as session:
            found = await attempts.find(session, order.owner, order.order_id)
        assert found is not None
        return found.state, found.broker_order_id, found.needs_human

    async def said(self, order: OrderIntent) -> list[str]:
        asked = text("SELECT type, data FROM events WHERE subject = :order ORDER BY position")
        async with self.desk.database.system() as session:
            rows = await session.execute(asked, {"order": str(order.order_id)})
            return [row.type.split(".")[2] + (f":{row.data['code']}" if "code" in row.data else "") for row in rows]


def a_floor(kis: Emulator, database: Database, redis: "Redis", settings: Settings) -> Floor:
    connection = new_id()

    async def keys_of(numbers: Sequence[str]) -> Mapping[str, ClientKey]:
        async with database.system() as session:
            return await system.list_keys(session, "kis", connection, numbers)

    connector = Kis(kis.client(), keys_of)
    return Floor(kis, Desk(database, redis, {}, kis.clock, settings, OneLine(connector)), connection)


async def resolve(floor: Floor, rounds: int = ROUNDS_MAX) -> None:
    """Let time pass, and the recovery look."""
    for _ in range(rounds):
        floor.kis.clock.passes(20)
        await recover_attempts(floor.desk, floor.kis.clock())


@pytest.mark.requirement("R-3", "R-4")
async def test_a_lost_answer_is_found_in_the_list_and_the_order_is_not_sent_again(
    database: Database, redis: "Redis", settings: Settings
) -> None:
    async with emulator() as kis:
        floor, order = a_floor(kis, database, redis, settings), an_order("005930")
        kis.breaks("order-cash", "reset_after")
        await floor.deliver(submitted(order))
        assert await floor.said(order) == ["unknown"]
        await resolve(floor, 1)
        assert await floor.said(order) == ["unknown", "executed"]
        assert kis.sent() == 1


@pytest.mark.requirement("R-3", "R-27")
@pytest.mark.parametrize(("times", "said"), [(2, ["accepted"]), (9, ["rejected:broker_unreachable"])])
async def test_an_order_that_was_turned_away_at_the_gate_is_tried_again_and_then_given_up(
    database: Database, redis: "Redis", settings: Settings, times: int, said: list[str]
) -> None:
    async with emulator() as kis:
        floor, order = a_floor(kis, database, redis, settings), an_order("005930")
        kis.breaks("order-cash", "rate_limit", times)
        await floor.deliver(submitted(order))
        kis.faults.clear()
        await resolve(floor, 1)
        assert await floor.said(order) == said
        assert len(kis.slips) == (1 if times == 2 else 0)


@pytest.mark.requirement("R-4")
async def test_absence_is_believed_after_three_whole_lists_over_a_minute(
    database: Database, redis: "Redis", settings: Settings
) -> None:
    async with emulator() as kis:
        floor, order = a_floor(kis, database, redis, settings), an_order("005930", limit_price="69900")
        kis.breaks("order-cash", "reset_before")
        await floor.deliver(submitted(order))
        kis.breaks("inquire-daily-ccld", "html", 2)
        await resolve(floor, 5)
        assert await floor.said(order) == ["unknown"], "a list that could not be read proves nothing"
        await resolve(floor, 1)
        assert await floor.said(order) == ["unknown", "rejected:not_placed"]
        assert len(kis.slips) == 0


@pytest.mark.requirement("R-4")
async def test_an_equal_order_is_not_sent_while_the_first_is_in_doubt(
    database: Database, redis: "Redis", settings: Settings
) -> None:
    async with emulator() as kis:
        floor, first = a_floor(kis, database, redis, settings), an_order("005930", limit_price="69900")
        same = {"owner": first.owner, "account_id": first.account_id, "limit_price": "69900"}
        twin, third = an_order("005930", **same), an_order("005930", **same)
        kis.breaks("order-cash", "reset_after")
        await floor.deliver(submitted(first))
        await floor.deliver(submitted(twin))
        assert await floor.said(twin) == ["rejected:duplicate_order"]
        await resolve(floor, 1)
        assert await floor.said(first) == ["unknown", "accepted"]
        await floor.deliver(submitted(third))
        assert await floor.said(third) == ["accepted"]
        assert len(kis.slips) == 2


@pytest.mark.requirement("R-4")
async def test_two_candidates_wait_for_a_human_and_nothing_is_guessed(
    database: Database, redis: "Redis", settings: Settings
) -> None:
    async with emulator() as kis:
        floor, order = a_floor(kis, database, redis, settings), an_order("005930", limit_price="69900")
        kis.breaks("order-cash", "reset_after")
        await floor.deliver(submitted(order))
        elsewhere = an_order("005930", limit_price="69900")
        await kis.connector().submit(elsewhere, elsewhere.key)
        await resolve(floor)
        state, number, needs_human = await floor.attempt(order)
        assert (state, number, needs_human) == (AttemptState.UNKNOWN, None, True)
        assert (await floor.said(order)).count("needs_human") == 1


@pytest.mark.requirement("R-6")
async def test_sums_become_executions_once_and_a_smaller_sum_is_old_news(
    database: Database, redis: "Redis", settings: Settings
) -> None:
    async with emulator() as kis:
        floor, order = a_floor(kis, database, redis, settings), an_order("005930", limit_price="69900")
        await floor.deliver(submitted(order))
        assert isinstance(floor.desk.lines, OneLine)
        connector = floor.desk.lines.connector
        told = []
        for size in (3, 4, 50):
            kis.quotes(bid=69_800, ask=69_900, ask_size=size)
            told.append(await connector.find(order, order.key, kis.clock()))
        from broker.usecases.settle_attempt import settle_attempt  # noqa: PLC0415 - the funnel, called by hand here

        for news in (told[1], told[0], told[1], told[2], told[2]):
            async with database.system() as session:
                await settle_attempt(session, order.key, news)  # type: ignore[arg-type]
        asked = text("SELECT quantity, price, fee FROM broker_executions WHERE order_id = :order ORDER BY position")
        async with database.system() as session:
            rows = [tuple(row) for row in await session.execute(asked, {"order": order.order_id})]
        assert rows == [(7, 69_900, Decimal(73)), (3, 69_900, Decimal(31))]


@pytest.mark.requirement("R-4", "R-9")
async def test_old_doubts_that_nobody_can_answer_do_not_keep_a_newer_one_from_being_looked_for(
    database: Database, redis: "Redis", settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.usecases.recover_attempts.AT_ONCE", 1)
    async with emulator() as kis:
        floor, old, new = a_floor(kis, database, redis, settings), an_order("005930"), an_order("005930")
        for order, fault in ((old, "reset_before"), (new, "reset_after")):
            kis.breaks("order-cash", fault)
            await floor.deliver(submitted(order))
            kis.clock.passes(1)
        kis.clock.passes(20)
        kis.breaks("inquire-daily-ccld", "html")  # the older one finds no list
        assert await recover_attempts(floor.desk, kis.clock()) == 2
        assert await floor.said(old) == ["unknown"]
        assert await floor.said(new) == ["unknown", "executed"]


class Meeting(Kis):
    """The connector, where each look for one of two orders waits until the other's begins."""

    meeting: asyncio.Barrier
    both: set[UUID]
    met: set[UUID]

    async def find(
        self, order: OrderIntent, key: ClientKey, sent_at: datetime
    ) -> Accepted | Refused | Absent | Ambiguous:
        if order.order_id in self.both:  # and not a doubt that another test has left
            await self.meeting.wait()
            self.met.add(order.order_id)
        return await super().find(order, key, sent_at)


@pytest.mark.requirement("R-4")
async def test_doubts_of_one_connection_do_not_wait_for_those_of_another(
    database: Database, redis: "Redis", settings: Settings
) -> None:
    async with emulator() as kis:

        async def nobody(_: Sequence[str]) -> Mapping[str, ClientKey]:
            return {}

        connector, floor = Meeting(kis.client(), nobody), a_floor(kis, database, redis, settings)
        connector.meeting, connector.met = asyncio.Barrier(2), set()
        patient = settings.model_copy(update={"submit_timeout_seconds": 30})
        floor.desk = replace(floor.desk, lines=OneLine(connector), settings=patient)
        orders = [an_order("005930", broker="kis", connection_id=new_id()) for _ in range(2)]
        connector.both = {order.order_id for order in orders}
        async with database.system() as session:
            for order in orders:  # whoever was sending them died
                begun = Attempt(order, "kis", AttemptState.SENDING, None, new_id(), kis.clock())
                assert await attempts.save_new(session, order.owner, begun)
        await resolve(floor, 1)
        assert connector.met == connector.both, "one that waited alone would have given up"
