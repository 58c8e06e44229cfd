"""Limits of a person and of a strategy: what orders add up to over several accounts, counted from the books."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from kit.ids import new_id
from trading.domain.limits import COUNTED, LOOSENING_WAITS, RiskLimits
from trading.domain.order import Happening
from trading.domain.request import Denied
from trading.domain.risk import review

from services.trading.tests.builders import NOW, a_question, a_quote, limits
from services.trading.tests.desk import Desk

pytestmark = pytest.mark.requirement("R-8")


async def two_accounts(database: Database) -> tuple[Desk, Desk]:
    first = await Desk.open(database)
    return first, await Desk.open(database, owner=first.owner)


async def test_a_strategys_orders_count_in_every_account_and_others_orders_do_not(database: Database) -> None:
    first, second = await two_accounts(database)
    strategy = new_id()
    await first.limits_itself(scope="strategy", scope_id=strategy, daily_trades_max=Decimal(2))
    for _ in range(3):
        assert (await first.places()).is_open, "the owner's own orders are not the strategy's"
    for desk in (first, second):
        assert (await desk.places(strategy_id=strategy)).is_open
    for desk in (first, second):
        denied = await desk.places(strategy_id=strategy)
        assert (denied.reason, "by this strategy" in (denied.detail or "")) == ("daily_trade_limit", True)
        assert (await desk.places(strategy_id=new_id())).is_open


async def test_a_strategys_loss_is_what_its_own_sales_lost(database: Database) -> None:
    first, second = await two_accounts(database)
    strategy = new_id()
    await first.limits_itself(scope="strategy", scope_id=strategy, daily_loss_max=Decimal(10_000))
    for desk, its in ((first, None), (second, strategy)):
        await desk.owns(10)
        await desk.fills(await desk.places(side="sell", limit_price=Decimal(55_000), strategy_id=its))
        expected = None if its is None else "daily_loss_limit"
        assert (await first.places(strategy_id=strategy)).reason == expected
    assert (await first.places()).is_open
    await first.owns(1)
    assert (await first.places(strategy_id=strategy, side="sell", quantity=Decimal(1))).is_open, "sales are let through"


@pytest.mark.parametrize("bound", [{"open_orders_max": Decimal(2)}, {"open_value_max": Decimal(1_200_000)}])
async def test_open_orders_of_all_accounts_count_for_a_person(database: Database, bound: dict[str, Any]) -> None:
    first, second = await two_accounts(database)
    stranger = await Desk.open(database)
    await first.limits_itself(scope="user", **bound)
    placed = await first.places()
    assert (await second.places()).is_open
    for desk in (first, second):
        denied = await desk.places()
        assert (denied.reason, "over all your accounts" in (denied.detail or "")) == ("open_order_limit", True)
    assert (await stranger.places()).is_open
    await first.hears(placed, Happening.CANCELED)
    assert (await second.places()).is_open


async def test_orders_of_a_strategy_in_two_accounts_at_once_never_exceed_its_limit(database: Database) -> None:
    first, second = await two_accounts(database)
    strategy = new_id()
    await first.limits_itself(scope="strategy", scope_id=strategy, daily_trades_max=Decimal(3))
    tries = [desk.places(strategy_id=strategy) for _ in range(4) for desk in (first, second)]
    assert sum(order.is_open for order in await asyncio.gather(*tries)) == 3


async def test_a_strategys_looser_limit_waits_and_a_tighter_one_does_not(database: Database) -> None:
    desk, strategy = await Desk.open(database), new_id()
    await desk.limits_itself(scope="strategy", scope_id=strategy, daily_trades_max=Decimal(1))
    looser = await desk.limits_itself(scope="strategy", scope_id=strategy, daily_trades_max=Decimal(9))
    assert looser.pending is not None
    assert looser.pending.effective_at == NOW + LOOSENING_WAITS
    assert (await desk.places(strategy_id=strategy)).is_open
    assert (await desk.places(strategy_id=strategy)).reason == "daily_trade_limit"
    later = NOW + LOOSENING_WAITS
    placed = await desk.submits(desk.request(strategy_id=strategy), a_quote(published_at=later), later)
    assert placed.order.is_open


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("scope", ["user", "strategy"])
def test_a_sum_that_is_not_known_is_a_refusal(name: str, scope: str) -> None:
    bounds = RiskLimits(**{name: Decimal(10**9)})
    verdict = review(a_question(limits=limits(spanning={scope: bounds})))
    assert isinstance(verdict, Denied)
