"""Money of trades settles on the exchange's calendar, usable for orders at once and withdrawable when it has come."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from trading.domain.account import Balance
from trading.domain.order import Order
from trading.errors import NotPaper, NotWithdrawable, OrdersOpen
from trading.usecases.correct_account import Correction, Shares, correct_account
from trading.usecases.deposit import Deposit, deposit
from trading.usecases.pay_dividend import Dividend, pay_dividend
from trading.usecases.reset_account import Reset, reset_account
from trading.usecases.settle_account import settle_account
from trading.usecases.split_shares import Split, split_shares
from trading.usecases.withdraw import Withdrawal, withdraw

from services.trading.tests.builders import NOW
from services.trading.tests.desk import Desk

MONDAY, WEDNESDAY = date(2024, 12, 16), date(2024, 12, 18)


async def settles(desk: Desk, day: date) -> Balance | None:
    async with desk.database.owned(desk.owner) as session:
        return await settle_account(session, desk.owner, (desk.account_id, "KRW"), day, NOW)


async def withdraws(desk: Desk, amount: int) -> Balance:
    money = Withdrawal(id=new_id(), account_id=desk.account_id, currency="KRW", amount=Decimal(amount))
    async with desk.database.owned(desk.owner) as session:
        return await withdraw(session, desk.owner, money, NOW)


async def sells(desk: Desk, quantity: int, price: int = 56_000, **changes: Any) -> Order:
    order = await desk.places(side="sell", quantity=Decimal(quantity), limit_price=Decimal(price))
    return await desk.fills(order, **changes)


class TestSettlement:
    async def test_a_buy_is_owed_until_its_settlement_date(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        bought = await desk.balance()
        assert (bought.available, bought.settled, bought.unsettled_out) == (9_439_916, 10_000_000, 560_084)
        assert await settles(desk, date(2024, 12, 17)) is None
        settled = await settles(desk, WEDNESDAY)
        assert settled is not None
        assert (settled.available, settled.settled, settled.unsettled_out) == (9_439_916, 9_439_916, 0)
        assert await settles(desk, WEDNESDAY) is None
        await desk.proves()

    async def test_what_a_sale_brings_buys_at_once_and_leaves_only_when_it_has_come(self, database: Database) -> None:
        desk = await Desk.open(database, cash=560_084)
        await desk.owns(10)
        await settles(desk, WEDNESDAY)
        await sells(desk, 10, trade_date=WEDNESDAY, settlement_date=date(2024, 12, 20))
        proceeds = Decimal(560_000 - 84)
        balance = await desk.balance()
        assert (balance.available, balance.settled, balance.unsettled_in) == (proceeds, 0, proceeds)
        with pytest.raises(NotWithdrawable, match="0 KRW can be withdrawn"):
            await withdraws(desk, 1)
        assert (await desk.places(quantity=Decimal(9), limit_price=Decimal(56_000))).is_open
        await settles(desk, date(2024, 12, 20))
        free = await desk.balance()
        assert (await withdraws(desk, int(free.available))).available == 0
        await desk.proves()

    async def test_a_trade_on_a_later_day_settles_what_that_day_makes_due(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        await sells(desk, 1, trade_date=WEDNESDAY, settlement_date=date(2024, 12, 20))
        balance = await desk.balance()
        assert (balance.unsettled_out, balance.unsettled_in) == (0, 56_000 - 8)
        await desk.proves()

    async def test_a_payment_waits_for_the_money_it_was_made_with_even_when_replays_run_backwards(
        self, database: Database
    ) -> None:
        desk = await Desk.open(database, cash=560_084)
        await desk.owns(10)
        await settles(desk, WEDNESDAY)
        await sells(desk, 10)
        order = await desk.places(quantity=Decimal(5), limit_price=Decimal(56_000))
        await desk.fills(order, trade_date=date(2020, 1, 2), settlement_date=date(2020, 1, 6))
        await settles(desk, date(2020, 1, 6))
        assert (await desk.balance()).settled == 0
        await settles(desk, WEDNESDAY)
        balance = await desk.balance()
        assert balance.settled == balance.available > 0
        await desk.proves()

    @pytest.mark.requirement("R-18")
    async def test_settled_cash_below_nothing_is_refused_by_the_table(self, database: Database) -> None:
        desk = await Desk.open(database)
        with pytest.raises(IntegrityError, match="balances_settled"):
            async with desk.database.owned(desk.owner) as session:
                await session.execute(text("UPDATE balances SET unsettled_in = available + 1"))


class TestWithdrawal:
    async def test_what_is_held_or_owed_stays(self, database: Database) -> None:
        desk = await Desk.open(database, cash=1_000_000)
        await desk.owns(5)
        await desk.places(quantity=Decimal(5), limit_price=Decimal(56_000))
        free = (await desk.balance()).available
        with pytest.raises(NotWithdrawable, match=f"{free:f} KRW can be withdrawn"):
            await withdraws(desk, int(free) + 1)
        assert (await withdraws(desk, int(free))).available == 0
        assert (await desk.announced())[-1] == "balance.changed"
        await desk.proves()

    async def test_a_currency_the_account_never_had_has_nothing_to_withdraw(self, database: Database) -> None:
        desk = await Desk.open(database)
        money = Withdrawal(id=new_id(), account_id=desk.account_id, currency="USD", amount=Decimal(1))
        with pytest.raises(NotWithdrawable, match="0 USD"):
            async with desk.database.owned(desk.owner) as session:
                await withdraw(session, desk.owner, money, NOW)


class TestReset:
    async def resets(self, desk: Desk, cash: int = 5_000_000) -> None:
        reset = Reset(id=new_id(), account_id=desk.account_id, initial_cash=Decimal(cash))
        async with desk.database.owned(desk.owner) as session:
            await reset_account(session, desk.owner, reset, NOW)

    async def test_it_begins_anew_by_entries_and_its_history_stays(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        await sells(desk, 4, 57_000, tax=Decimal(300))
        before = await desk.count("ledger_entries")
        await self.resets(desk)
        balance, position = await desk.balance(), await desk.position()
        assert (balance.available, balance.settled, balance.unsettled_in, balance.unsettled_out) == (
            *[5_000_000] * 2,
            0,
            0,
        )
        assert (position.quantity, position.cost, position.realized_profit) == (0, 0, 0)
        assert await desk.count("executions") == 2
        assert await desk.count("ledger_entries") > before
        await desk.proves()
        await desk.owns(1)
        await self.resets(desk, cash=0)
        assert (await desk.balance()).cash == 0
        await desk.proves()

    async def test_open_orders_are_in_the_way(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.places()
        with pytest.raises(OrdersOpen):
            await self.resets(desk)

    async def test_a_live_account_keeps_what_it_has(self, database: Database) -> None:
        desk = await Desk.open(database)
        async with desk.database.owned(desk.owner) as session:
            await session.execute(text("UPDATE accounts SET kind = 'live'"))
        with pytest.raises(NotPaper):
            await self.resets(desk)


class TestCorporateActions:
    async def pays(self, desk: Desk, per_share: str = "361") -> Any:
        dividend = Dividend(id="2024-4q", symbol="005930", per_share=Decimal(per_share), paid_on=date(2025, 4, 18))
        async with desk.database.owned(desk.owner) as session:
            return await pay_dividend(session, desk.owner, desk.account_id, dividend, NOW)

    async def splits(self, desk: Desk, ratio: str, price: int = 53_000) -> Any:
        split = Split(id="2018", symbol="005930", ratio=Decimal(ratio), price=Decimal(price), on=date(2018, 5, 4))
        async with desk.database.owned(desk.owner) as session:
            return await split_shares(session, desk.owner, desk.account_id, split, NOW)

    async def test_a_dividend_is_paid_once_less_what_is_withheld(self, database: Database) -> None:
        desk = await Desk.open(database)
        assert await self.pays(desk) is None
        await desk.owns(100)
        before = await desk.balance()
        paid = await self.pays(desk)
        assert (paid.gross, paid.tax) == (36_100, 5_054 + 505)
        assert await self.pays(desk) is None
        after = await desk.balance()
        assert after.settled - before.settled == 36_100 - 5_559
        assert (await desk.position()).realized_profit == 0
        await desk.proves()

    async def test_a_split_keeps_the_cost_and_multiplies_the_shares(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        cost = (await desk.position()).cost
        await self.splits(desk, "50")
        assert await self.splits(desk, "50") is None
        after = await desk.position()
        assert (after.quantity, after.cost) == (500, cost)
        await desk.proves()

    async def test_what_is_left_of_a_share_is_paid_out(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(15)
        before = await desk.balance()
        whole = await self.splits(desk, "0.1", 560_001)
        assert whole.quantity == 1
        assert (await desk.balance()).available - before.available == 280_000
        assert whole.realized_profit == 280_000 - (840_000 + 126) / Decimal(3)
        await desk.proves()

    async def test_open_orders_of_the_symbol_are_in_the_way(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(1)
        await desk.places(side="sell", quantity=Decimal(1))
        with pytest.raises(OrdersOpen, match="005930"):
            await self.splits(desk, "2")


class TestCorrections:
    @pytest.mark.requirement("R-22")
    async def test_the_same_evidence_corrects_once_and_by_new_entries_alone(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(3)
        missing = Shares(symbol="000660", quantity=Decimal(2), cost=Decimal(400_000))
        correction = Correction(
            id="kis:2024-12-16:1", account_id=desk.account_id, currency="KRW", cash=Decimal(-400_000), shares=missing
        )
        for written in (True, False):
            async with desk.database.owned(desk.owner) as session:
                assert await correct_account(session, desk.owner, correction, NOW) is written
        assert (await desk.position("000660")).average_price == 200_000
        await desk.proves()


async def test_deposits_and_trades_of_two_currencies_do_not_mix(database: Database) -> None:
    desk = await Desk.open(database)
    dollars = Deposit(id=new_id(), account_id=desk.account_id, currency="USD", amount=Decimal(1_000))
    async with desk.database.owned(desk.owner) as session:
        await deposit(session, desk.owner, dollars, datetime(2026, 1, 1, tzinfo=UTC))
    proof = await desk.proof()
    assert proof.holds
