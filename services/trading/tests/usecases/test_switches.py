"""Switches of many, of strategies and of dead men; what brokers were sent is held against what was approved."""

import json
import time
from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from kit.db import Database
from kit.events import Envelope
from kit.ids import new_id
from sqlalchemy import text
from trading import switches
from trading.domain.comparison import Submit
from trading.domain.halt import COOL_OFF, ITSELF, Halt, HaltMode
from trading.domain.order import Order, Status
from trading.errors import CoolingOff, NotHalted
from trading.resources import Resources
from trading.store import dead_men, system
from trading.subscriptions import SubmitsFact, submits_reported
from trading.usecases.compare_submits import compare_submits
from trading.usecases.halt_platform import halt_platform
from trading.usecases.halt_trading import halt_trading
from trading.usecases.resume_platform import resume_platform
from trading.usecases.trip_dead_man import trip_dead_man

from services.trading.tests.builders import NOW, a_quote, limits
from services.trading.tests.desk import Desk

OPENS = 100
CANCEL_ALL_SECONDS_MAX = 10
OVERDUE = text("UPDATE dead_men SET due_at = clock_timestamp() - interval '1 second' WHERE owner_id = :owner")
ELSEWHERE = text("UPDATE accounts SET broker = 'alpaca' WHERE owner_id = :owner AND id = :account")
UNSENT = text("SELECT type FROM events WHERE owner_id = :owner AND published_at IS NULL ORDER BY position")


async def look(database: Database) -> None:
    """One look of the keeper, with PostgreSQL alone: there is nothing else to ask."""
    await switches.look(Resources(database, quotes=None, limits=limits(), market=None), lambda: NOW)  # type: ignore[arg-type]


async def halts(database: Database, **changes: Any) -> None:
    values = {"level": "global", "scope_id": None, "mode": HaltMode.HALTED, "reason": "a test", "halted_at": NOW}
    async with database.system() as session:
        await halt_platform(session, Halt(**(values | changes)), new_id())


async def is_thrown(database: Database, broker: str) -> bool:
    async with database.system() as session:
        return any(halt.broker == broker for halt in await system.list_halts(session))


def seen(desk: Desk, order: Order, **changes: Any) -> Submit:
    submit = Submit(
        order_id=order.id,
        owner=desk.owner,
        account_id=str(order.account_id),
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        limit_price=order.limit_price,
    )
    return replace(submit, **changes)


async def compares(desk: Desk, *submits: Submit) -> list[str]:
    async with desk.database.system() as session:
        return await compare_submits(session, "simulator", submits, NOW)


@pytest.mark.requirement("R-9")
async def test_a_report_as_the_bus_carries_it_agrees_with_what_was_approved(database: Database) -> None:
    desk = await Desk.open(database)
    submit = seen(desk, await desk.places(limit_price=Decimal("70000.0")))
    told = {name: None if value is None else str(value) for name, value in asdict(submit).items()}
    fact = SubmitsFact.model_validate_json(json.dumps({"broker": "simulator", "submits": [told]}))
    message = Envelope(
        id=new_id(),
        type="broker.submits.reported.v1",
        source="broker",
        time=NOW,
        subject="simulator",
        owner=None,
        correlation_id=new_id(),
        causation_id=None,
        version=1,
        data={},
    )
    async with database.system() as session:
        await submits_reported(session, fact, message)
        assert await system.list_halts(session) == []


class TestSwitchesOfMany:
    @pytest.mark.requirement("R-10")
    async def test_under_a_halt_of_the_platform_everything_open_is_withdrawn(self, database: Database) -> None:
        desk = await Desk.open(database)
        stop = await desk.places(order_type="stop", limit_price=None, stop_price=Decimal(57_000))
        limit = await desk.places(quantity=Decimal(1))
        await halts(database)
        await look(database)
        assert [(await desk.order(order.id)).status for order in (stop, limit)] == ["canceled", "pending_cancel"]
        await desk.proves()

    @pytest.mark.requirement("R-10")
    async def test_an_order_of_a_faster_clock_is_withdrawn_as_well(self, database: Database) -> None:
        desk, later = await Desk.open(database), NOW + timedelta(seconds=30)
        order = (await desk.submits(desk.request(), a_quote(published_at=later), later)).order
        await halts(database)
        await look(database)
        assert (await desk.order(order.id)).status is Status.PENDING_CANCEL

    @pytest.mark.requirement("R-10")
    async def test_a_brokers_switch_stops_its_accounts_alone_and_cools_off(self, database: Database) -> None:
        desk, elsewhere = await Desk.open(database), await Desk.open(database)
        async with database.system() as session:
            await session.execute(ELSEWHERE, {"owner": elsewhere.owner, "account": elsewhere.account_id})
        orders = [await each.places(quantity=Decimal(1)) for each in (desk, elsewhere)]
        await halts(database, level="broker", broker="alpaca")
        await look(database)
        statuses = [(await each.order(order.id)).status for each, order in zip((desk, elsewhere), orders, strict=True)]
        assert statuses == [Status.SUBMITTED, Status.PENDING_CANCEL]
        assert (await elsewhere.places()).reason == "trading_halted"
        assert (await desk.places()).is_open
        async with database.system() as session:
            with pytest.raises(NotHalted):
                await resume_platform(session, new_id(), NOW + COOL_OFF)
            with pytest.raises(CoolingOff):
                await resume_platform(session, new_id(), NOW + COOL_OFF - timedelta(seconds=1), "alpaca")
            await resume_platform(session, new_id(), NOW + COOL_OFF, "alpaca")
        assert (await elsewhere.places()).is_open

    @pytest.mark.requirement("R-10")
    async def test_a_hundred_open_orders_are_canceled_within_ten_seconds(
        self, database: Database, capsys: pytest.CaptureFixture[str]
    ) -> None:
        desk = await Desk.open(database, cash=1_000_000_000)
        for _ in range(OPENS):
            await desk.places(quantity=Decimal(1))
        began = time.process_time()
        assert await desk.halts() == OPENS
        seconds = time.process_time() - began
        assert seconds < CANCEL_ALL_SECONDS_MAX
        async with database.system() as session:
            types = list(await session.scalars(UNSENT, {"owner": desk.owner}))
        assert types.count("trading.order.cancel_requested.v1") == OPENS
        with capsys.disabled():
            print(f"\n  kill switch: {OPENS} open orders asked back in {seconds:.2f} s of processor time")  # noqa: T201


class TestStrategies:
    @pytest.mark.requirement("R-10")
    async def test_a_strategys_switch_stops_its_orders_and_no_others(self, database: Database) -> None:
        desk, strategy = await Desk.open(database), new_id()
        its, other = await desk.places(strategy_id=strategy), await desk.places(quantity=Decimal(1))
        halt = Halt(level="strategy", scope_id=strategy, mode=HaltMode.HALTED, reason=None, halted_at=NOW)
        async with database.owned(desk.owner) as session:
            assert await halt_trading(session, desk.owner, halt, NOW) == 1
        assert [(await desk.order(order.id)).status for order in (its, other)] == ["pending_cancel", "submitted"]
        assert (await desk.places(strategy_id=strategy)).reason == "trading_halted"
        assert (await desk.places(strategy_id=new_id(), quantity=Decimal(2))).is_open

    @pytest.mark.requirement("R-8")
    async def test_a_strategys_limits_hold_for_its_orders_and_no_others(self, database: Database) -> None:
        desk, strategy = await Desk.open(database), new_id()
        await desk.limits_itself(scope="strategy", scope_id=strategy, order_quantity_max=Decimal(5))
        assert (await desk.places(strategy_id=strategy)).reason == "fat_finger_quantity"
        assert (await desk.places()).is_open


class TestDeadMen:
    @pytest.mark.requirement("R-10")
    async def test_an_account_without_a_heartbeat_is_halted_once_and_its_orders_withdrawn(
        self, database: Database
    ) -> None:
        desk, living = await Desk.open(database), await Desk.open(database)
        orders = []
        for each in (desk, living):
            async with database.owned(each.owner) as session:
                await dead_men.save(session, each.owner, each.account_id, 60)
            orders.append(await each.places())
        async with database.owned(desk.owner) as session:
            await session.execute(OVERDUE, {"owner": desk.owner})
        await look(database)
        assert [(await each.order(order.id)).status for each, order in zip((desk, living), orders, strict=True)] == [
            Status.PENDING_CANCEL,
            Status.SUBMITTED,
        ]
        assert (await desk.places()).reason == "trading_halted"
        await desk.resumes()
        await look(database)
        assert (await desk.places()).is_open, "it has tripped, and is not armed any more"

    @pytest.mark.requirement("R-10")
    async def test_a_heartbeat_in_the_last_moment_counts(self, database: Database) -> None:
        desk = await Desk.open(database)
        async with database.owned(desk.owner) as session:
            await dead_men.save(session, desk.owner, desk.account_id, 60)
            assert await trip_dead_man(session, desk.owner, desk.account_id, NOW) is None
        assert (await desk.places()).is_open


class TestComparison:
    @pytest.mark.requirement("R-9")
    async def test_what_was_approved_is_no_mismatch(self, database: Database) -> None:
        desk = await Desk.open(database)
        orders = [await desk.places(quantity=Decimal(n)) for n in range(1, 4)]
        assert await compares(desk, *(seen(desk, order) for order in orders)) == []
        assert not await is_thrown(database, "simulator")

    @pytest.mark.requirement("R-9")
    @pytest.mark.parametrize(
        ("rogue", "words"),
        [
            ({"owner": None}, "nobody approved it"),
            ({"order_id": UUID(int=7)}, "nobody approved it"),
            ({"owner": UUID(int=7)}, "nobody approved it"),
            ({"quantity": Decimal(11)}, "11 at 56100 were sent"),
            ({"limit_price": Decimal(56_200)}, "10 at 56200 were sent"),
            ({"limit_price": None}, "without its limit"),
            ({"side": "sell"}, "it was sent as"),
            ({"symbol": "000660"}, "it was sent as"),
            ({"account_id": "another"}, "it was sent as"),
        ],
    )
    async def test_anything_else_halts_the_broker_and_raises_the_alarm(
        self, database: Database, rogue: dict[str, Any], words: str
    ) -> None:
        desk = await Desk.open(database)
        order = await desk.places()
        (fault,) = await compares(desk, seen(desk, order), seen(desk, order, **rogue))
        assert words in fault
        assert await is_thrown(database, "simulator")
        assert (await desk.places()).reason == "trading_halted"
        async with database.system() as session:
            halted, alarm = (
                await session.execute(text("SELECT type, data FROM events WHERE owner_id IS NULL ORDER BY position"))
            ).all()[-2:]
        assert (halted.type, halted.data["by"]) == ("trading.halt.changed.v1", str(ITSELF))
        assert (alarm.type, alarm.data["faults"]) == ("trading.submits.mismatched.v1", [fault])

    @pytest.mark.requirement("R-9")
    async def test_a_denied_order_that_was_sent_is_a_mismatch(self, database: Database) -> None:
        desk = await Desk.open(database, cash=1_000)
        order = await desk.places()
        assert "must not have been sent" in (await compares(desk, seen(desk, order)))[0]

    @pytest.mark.requirement("R-9")
    async def test_a_replaced_order_may_have_been_seen_before_or_after(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.hears(await desk.places(), "accepted")  # type: ignore[arg-type]
        await desk.asks_to_replace(order, quantity=Decimal(12))
        await desk.hears_replaced(order)
        assert await compares(desk, seen(desk, order)) == []
        assert await compares(desk, seen(desk, order, quantity=Decimal(12))) == []
        assert len(await compares(desk, seen(desk, order, quantity=Decimal(13)))) == 1
