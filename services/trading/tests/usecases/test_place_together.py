"""Orders of several people by one transaction: each as if it had been alone, and nobody's the worse for another's."""

from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from kit import context
from kit.db import Database
from kit.ids import new_id
from kit.testing import isolation
from kit.testing.databases import TestDatabase
from kit.testing.round_trips import counted
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from trading.domain.order import Order, Status
from trading.domain.request import AccountId, OrderId
from trading.store.accounts import PLATFORM_LOCK
from trading.usecases.place_in_account import Placed
from trading.usecases.place_together import Outcome, Wish, place_together
from trading.usecases.put_question import Asked

from services.trading.tests.builders import NOW, a_quote, a_request, limits
from services.trading.tests.desk import Desk, same_again

PEOPLE = 16
TOUCHED = {"accounts", "balances", "positions", "orders", "ledger_entries", "halts", "risk_limits"}
UNREADABLE = {"events"}
"""The app role adds facts and cannot read them."""


def wish(desk: Desk, asked: Asked | None = None, /, **changes: Any) -> Wish:
    """What the owner of a desk asks for, as a part of something of its own."""
    asked = asked or Asked(request=desk.request(**changes), quote=a_quote(), limits=limits(), now=NOW)
    around = copy_context()
    around.run(context.correlation.set, new_id())
    return Wish(desk.owner, asked, around)


async def together(database: Database, *wishes: Wish) -> Sequence[Outcome]:
    async with database.owned(*(each.owner for each in wishes)) as session:
        return await place_together(session, wishes)


def placed(outcome: Outcome) -> Order:
    assert isinstance(outcome, Placed), outcome
    return outcome.order


def alike(order: Order) -> Order:
    none = UUID(int=0)
    return replace(order, id=OrderId(none), account_id=AccountId(none), client_order_id="", correlation_id=None)


@pytest.mark.requirement("R-5", "R-36")
async def test_what_goes_together_ends_as_what_goes_alone(database: Database) -> None:
    bodies: list[dict[str, Any]] = [
        {},
        {"quantity": Decimal(1), "order_type": "market"},
        {"quantity": Decimal(10_000)},  # more than there is money for
        {"side": "sell", "quantity": Decimal(3)},
        {"side": "sell", "quantity": Decimal(300)},
        {"order_type": "stop", "stop_price": Decimal(60_000), "limit_price": None},
    ]
    crowd, alone = [await Desk.open(database) for _ in bodies], [await Desk.open(database) for _ in bodies]
    for desk in (*crowd, *alone):
        await desk.owns(10)
    went = await together(database, *(wish(desk, **body) for desk, body in zip(crowd, bodies, strict=True)))
    for desk, other, body, outcome in zip(crowd, alone, bodies, went, strict=True):
        order, by_itself = placed(outcome), await other.places(**body)
        assert await desk.order(order.id) == order
        assert alike(order) == alike(by_itself)
        assert replace(await desk.balance(), account_id=desk.account_id) == replace(
            await other.balance(), account_id=desk.account_id
        )
        assert await desk.announced() == await other.announced()
        await desk.proves()
    assert {placed(each).status for each in went} == {Status.SUBMITTED, Status.DENIED, Status.HELD}


async def test_the_facts_of_each_are_its_owners_and_part_of_what_it_is_part_of(database: Database) -> None:
    crowd = [await Desk.open(database) for _ in range(3)]
    wishes = [wish(desk, quantity=Decimal(1)) for desk in crowd]
    orders = [placed(outcome) for outcome in await together(database, *wishes)]
    facts = text(
        "SELECT owner_id, subject, xmin::text AS writer FROM events"
        " WHERE correlation_id = :part_of AND type = 'trading.order.submitted.v1'"
    )
    writers = set()
    for desk, each, order in zip(crowd, wishes, orders, strict=True):
        async with database.system() as session:
            part_of = each.context.run(context.correlation_id)
            [fact] = (await session.execute(facts, {"part_of": part_of})).all()
        assert (fact.owner_id, fact.subject, order.correlation_id) == (desk.owner, str(order.id), part_of)
        writers.add(fact.writer)
    assert len(writers) == 1, "they were one transaction"


async def test_sixteen_orders_are_as_many_round_trips_as_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = [await Desk.open(database) for _ in range(PEOPLE)]
    for _ in range(2):  # the first time statements are prepared; at the end the relay is given a hint
        with counted(monkeypatch) as spent:
            went = await together(database, *(wish(desk, quantity=Decimal(1)) for desk in crowd))
        assert all(placed(outcome).is_open for outcome in went)
    assert len(spent) in {5, 6}


async def test_whoever_cannot_go_with_others_is_left_out_and_holds_nobody_up(database: Database) -> None:
    plain, bounded, live, busy = [await Desk.open(database) for _ in range(2)] + [
        await Desk.open_live(database),
        await Desk.open(database),
    ]
    await bounded.limits_itself(order_value_max=Decimal(1))
    earlier = await plain.submits(plain.request(client_order_id="taken"))
    taken, other = wish(plain, client_order_id="taken"), await Desk.open(database)
    nowhere = wish(other, Asked(request=a_request(), quote=a_quote(), limits=limits(), now=NOW))
    strangers = wish(other, Asked(request=busy.request(), quote=a_quote(), limits=limits(), now=NOW))
    async with database.owned(busy.owner) as session:
        mine = text("SELECT FROM accounts WHERE owner_id = :owner FOR UPDATE")
        await session.execute(mine, {"owner": busy.owner})
        went = await together(database, taken, wish(bounded), wish(live), nowhere, wish(busy), wish(other))
    assert went[:5] == [None, None, None, "busy", "busy"]
    assert placed(went[5]).is_open
    assert (await together(database, strangers))[0] == "busy", "to a stranger it is not there"
    assert await plain.order(earlier.order.id) == earlier.order
    assert [await desk.count("orders") for desk in (bounded, live, busy)] == [0, 0, 0]


def test_an_order_with_a_second_one_beside_it_or_a_limit_over_all_accounts_is_not_plain() -> None:
    asked = Asked(request=a_request(), quote=a_quote(), limits=limits(), now=NOW)
    assert asked.is_plain
    for changes in ({"oco_stop_price": Decimal(60_000)}, {"stop_loss_price": Decimal(50_000)}):
        assert not replace(asked, request=a_request(**changes)).is_plain
    assert not replace(asked, limits=limits(person_trades_max=3)).is_plain


@pytest.mark.requirement("R-1")
async def test_a_client_id_that_is_taken_meanwhile_undoes_all_of_them(database: Database) -> None:
    first, second = await Desk.open(database), await Desk.open(database)
    another = replace(second, account_id=AccountId(new_id()))
    async with database.system() as session:
        copied = text(
            "INSERT INTO accounts (owner_id, id, name, kind, currency, trading_halted, created_at)"
            " SELECT owner_id, :id, name, kind, currency, trading_halted, created_at FROM accounts"
            " WHERE owner_id = :owner"
        )
        await session.execute(copied, {"id": another.account_id, "owner": second.owner})
    request = second.request(quantity=Decimal(1), client_order_id="same")
    same = same_again(request, account_id=another.account_id, quantity=Decimal(100_000))
    asked = Asked(request=request, quote=a_quote(), limits=limits(), now=NOW)
    with pytest.raises(DBAPIError, match="orders_client_order_id"):
        await together(database, wish(first), wish(second, asked), wish(second, replace(asked, request=same)))
    assert [await desk.count("orders") for desk in (first, second)] == [0, 0]
    await first.proves()


@pytest.mark.requirement("R-10")
async def test_no_halt_of_the_platform_slips_in_between(database: Database, fresh: TestDatabase) -> None:
    desk, operator = await Desk.open(database), await asyncpg.connect(fresh.admin_url)
    try:
        async with database.owned(desk.owner) as session:
            [outcome] = await place_together(session, [wish(desk)])
            assert placed(outcome).is_open
            assert not await operator.fetchval("SELECT pg_try_advisory_lock($1)", PLATFORM_LOCK)
        assert await operator.fetchval("SELECT pg_try_advisory_lock($1)", PLATFORM_LOCK)
    finally:
        await operator.close()


class TestSeveralOwners:
    @pytest.mark.requirement("R-36", "R-37")
    async def test_a_transaction_of_several_sees_those_and_nobody_else(self, database: Database) -> None:
        one, two, three = [await Desk.open(database) for _ in range(3)]
        async with database.owned(one.owner, two.owner) as session:
            seen = set(await session.scalars(text("SELECT owner_id FROM accounts")))
            assert seen == {one.owner, two.owner}
            moved = await session.execute(
                text("UPDATE balances SET held = held WHERE owner_id = :it"), {"it": three.owner}
            )
            assert moved.rowcount == 0

        async def give_away() -> None:
            async with database.owned(one.owner, two.owner) as session:
                given = text("UPDATE accounts SET owner_id = :it WHERE owner_id = :mine")
                await session.execute(given, {"it": three.owner, "mine": one.owner})

        with pytest.raises(DBAPIError, match="row-level security"):
            await give_away()

    @pytest.mark.requirement("R-37")
    async def test_every_table_that_placing_an_order_does_not_touch_refuses_several(
        self, database: Database, fresh: TestDatabase
    ) -> None:
        one, two, three = new_id(), new_id(), new_id()
        admin = await asyncpg.connect(fresh.admin_url)
        try:
            tables = await isolation.fill(admin, one, two, three)
        finally:
            await admin.close()
        open_to_several, refusing = set(), 0
        for table in tables:
            try:
                async with database.owned(one, two) as session:
                    seen = set(await session.scalars(text(f"SELECT owner_id FROM {table.name}")))
            except DBAPIError as refused:
                refusing += "invalid input syntax for type uuid" in str(refused)
                continue
            assert seen == {one, two}, table.name
            open_to_several.add(table.name.rpartition(".")[2].strip('"'))
        assert open_to_several == TOUCHED
        assert refusing == len(tables) - len(TOUCHED) - len(UNREADABLE)
