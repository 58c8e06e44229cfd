"""Live accounts: opened by whoever may, apart from paper, and asked about again by everything that buys."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text
from trading.domain.account import Connection
from trading.domain.order import Happening, Order, Status
from trading.domain.request import AccountId, Reason
from trading.errors import ConnectionTaken, LiveNotPermitted, NotPaper
from trading.store import accounts, connections, rights
from trading.store.rights import Rights
from trading.usecases.close_position import close_position
from trading.usecases.deposit import Deposit, deposit
from trading.usecases.open_account import Opening, open_account
from trading.usecases.reset_account import Reset, reset_account
from trading.usecases.withdraw import Withdrawal, withdraw

from services.trading.tests.builders import NOW, a_quote, limits
from services.trading.tests.desk import Desk

REAL = Connection(id=new_id(), broker="kis", environment="real")
MOMENT = timedelta(seconds=1)


def a_live_opening(**changes: Any) -> Opening:
    opening = Opening(
        id=AccountId(new_id()),
        name="실전",
        kind="live",
        currency="KRW",
        initial_cash=Decimal(0),
        connection_id=REAL.id,
        permitted_at=NOW,
    )
    return replace(opening, **changes)


class TestOpening:
    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"permitted_at": None}, "ask the operator"),
            ({"initial_cash": Decimal(1)}, "initial_cash"),
            ({"connection_id": None}, "environment real"),
            ({"kind": "paper", "permitted_at": None}, "never mixed"),
        ],
    )
    async def test_what_is_missing_or_mixed_opens_nothing(
        self, database: Database, changes: dict[str, Any], says: str
    ) -> None:
        owner = new_id()
        async with database.owned(owner) as session:
            await connections.save(session, owner, REAL)
        with pytest.raises(LiveNotPermitted, match=says):
            async with database.owned(owner) as session:
                await open_account(session, owner, a_live_opening(**changes), NOW)
        async with database.owned(owner) as session:
            assert await accounts.list_ids(session, owner) == []

    async def test_a_paper_connection_takes_no_live_account_and_a_real_one_takes_one(self, database: Database) -> None:
        owner, paper = new_id(), replace(REAL, id=new_id(), environment="paper")
        async with database.owned(owner) as session:
            await connections.save(session, owner, paper)
            await connections.save(session, owner, REAL)
        with pytest.raises(LiveNotPermitted, match="this one is paper"):
            async with database.owned(owner) as session:
                await open_account(session, owner, a_live_opening(connection_id=paper.id), NOW)
        async with database.owned(owner) as session:
            account = await open_account(session, owner, a_live_opening(), NOW)
        assert (account.kind, account.broker, account.connection_id) == ("live", "kis", REAL.id)
        with pytest.raises(ConnectionTaken):
            async with database.owned(owner) as session:
                await open_account(session, owner, a_live_opening(), NOW)

    async def test_a_permission_that_was_taken_away_since_the_token_was_made_opens_nothing(
        self, database: Database
    ) -> None:
        owner = new_id()
        async with database.owned(owner) as session:
            await connections.save(session, owner, REAL)
            await rights.save(session, owner, Rights(live=False, told_at=NOW + MOMENT))
        with pytest.raises(LiveNotPermitted, match="permission"):
            async with database.owned(owner) as session:
                await open_account(session, owner, a_live_opening(), NOW)


class TestOrders:
    async def test_they_go_to_the_real_environment_of_the_connection(self, database: Database) -> None:
        desk = await Desk.open_live(database)
        order = await desk.places()
        assert order.status is Status.SUBMITTED
        submitted = text("SELECT data FROM events WHERE type = 'trading.order.submitted.v1' AND owner_id = :owner")
        async with database.system() as session:
            said = await session.scalar(submitted, {"owner": desk.owner})
        assert said is not None
        assert (said["account_kind"], said["broker"], said["connection_id"] is None) == ("live", "kis", False)
        await desk.proves()

    @pytest.mark.requirement("R-48")
    async def test_without_the_operators_switch_neither_buys_nor_sales_are_sent(self, database: Database) -> None:
        desk = await Desk.open_live(database)
        await desk.owns(5)
        desk.bounds["live_allowed"] = False
        for side in ("buy", "sell"):
            order = await desk.places(side=side, quantity=Decimal(1))
            assert (order.status, order.reason) == (Status.DENIED, Reason.LIVE_NOT_PERMITTED)

    @pytest.mark.requirement("R-48")
    async def test_without_the_permission_nothing_is_bought_and_everything_can_be_sold_or_canceled(
        self, database: Database
    ) -> None:
        desk = await Desk.open_live(database)
        await desk.owns(5)
        await desk.is_told(live=False)
        denied = await desk.places(quantity=Decimal(1))
        assert (denied.status, denied.reason) == (Status.DENIED, Reason.LIVE_NOT_PERMITTED)
        sale = await desk.places(side="sell", quantity=Decimal(2))
        await desk.hears(sale, Happening.ACCEPTED)
        await desk.asks_to_cancel(sale)
        await desk.hears(sale, Happening.CANCELED)
        closing = limits(**desk.bounds, live_permitted=False)
        async with database.owned(desk.owner) as session:
            everything = desk.request(side="sell", order_type="market", quantity=Decimal(1))
            placed = await close_position(session, desk.owner, everything, a_quote(), closing, NOW)
        assert (placed.order.status, placed.order.quantity) == (Status.SUBMITTED, 5)
        await desk.proves()

    async def test_a_live_account_takes_no_paper_money_and_gives_none(self, database: Database) -> None:
        desk = await Desk.open_live(database)
        put = Deposit(id=new_id(), account_id=desk.account_id, currency="KRW", amount=Decimal(1))
        take = Withdrawal(id=new_id(), account_id=desk.account_id, currency="KRW", amount=Decimal(1))
        with pytest.raises(NotPaper):
            async with database.owned(desk.owner) as session:
                await deposit(session, desk.owner, put, NOW)
        with pytest.raises(NotPaper):
            async with database.owned(desk.owner) as session:
                await withdraw(session, desk.owner, take, NOW)
        anew = Reset(id=new_id(), account_id=desk.account_id, initial_cash=Decimal(0))
        with pytest.raises(NotPaper):
            async with database.owned(desk.owner) as session:
                await reset_account(session, desk.owner, anew, NOW)
        assert await desk.balance_figures() == (10_000_000, 0)


class TestPermissionTakenAway:
    async def test_open_buys_of_live_accounts_are_withdrawn_and_sales_and_paper_stay(self, database: Database) -> None:
        desk = await Desk.open_live(database)
        await desk.owns(5)
        paper = await Desk.open(database, owner=desk.owner)
        waiting = await desk.places(
            order_type="stop", stop_price=Decimal(57_000), limit_price=None, quantity=Decimal(1)
        )
        resting = await desk.places(quantity=Decimal(1), limit_price=Decimal(55_000))
        await desk.hears(resting, Happening.ACCEPTED)
        sale = await desk.places(side="sell", quantity=Decimal(1), limit_price=Decimal(60_000))
        on_paper = await paper.places()
        await desk.is_told(live=False)
        assert (await desk.order(waiting.id)).status is Status.CANCELED
        assert (await desk.order(waiting.id)).reason == "live_not_permitted"
        assert (await desk.order(resting.id)).status is Status.PENDING_CANCEL
        assert (await desk.order(sale.id)).status is Status.SUBMITTED
        assert (await desk.order(on_paper.id)).status is Status.SUBMITTED
        await desk.proves()

    async def test_an_older_word_changes_nothing(self, database: Database) -> None:
        desk = await Desk.open_live(database)
        await desk.is_told(live=False, at=NOW + 2 * MOMENT)
        await desk.is_told(live=True, at=NOW + MOMENT)
        assert (await desk.places()).status is Status.DENIED
        await desk.is_told(live=True, at=NOW + 3 * MOMENT)
        assert (await desk.places()).status is Status.SUBMITTED


class TestStops:
    async def a_waiting(self, desk: Desk, side: str, price: int) -> Order:
        order = await desk.places(
            side=side, order_type="stop", stop_price=Decimal(price), limit_price=None, quantity=Decimal(1)
        )
        assert order.status is Status.HELD
        return order

    @pytest.mark.parametrize(("side", "price"), [("buy", 57_000), ("sell", 55_000)])
    async def test_one_that_is_reached_while_the_switch_is_off_is_canceled_and_says_why(
        self, database: Database, side: str, price: int
    ) -> None:
        desk = await Desk.open_live(database)
        await desk.owns(1)
        order = await self.a_waiting(desk, side, price)
        desk.bounds["live_allowed"] = False
        after = await desk.sees(order, a_quote(price=Decimal(price)))
        assert after is not None
        assert (after.status, after.reason) == (Status.CANCELED, "live_not_permitted")
        assert after.detail is not None
        assert "TRADING_LIVE_ALLOWED" in after.detail

    async def test_a_sale_of_somebody_who_may_not_buy_any_more_is_let_go(self, database: Database) -> None:
        desk = await Desk.open_live(database)
        await desk.owns(1)
        order = await self.a_waiting(desk, "sell", 55_000)
        await desk.is_told(live=False)
        after = await desk.sees(order, a_quote(price=Decimal(55_000)))
        assert after is not None
        assert after.status is Status.SUBMITTED
