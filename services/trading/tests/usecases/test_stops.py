"""Stops wait with us for their price, go to the broker once, and take nothing that was not set aside."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from trading.domain.halt import HaltMode
from trading.domain.order import Happening, Order, Status

from services.trading.tests.builders import DAY, NOW, a_quote
from services.trading.tests.desk import Desk

LATER = NOW + timedelta(seconds=1)


def at(price: int, **changes: Any) -> Any:
    return a_quote(price=Decimal(price), **changes)


async def a_stop(desk: Desk, **changes: Any) -> Order:
    terms: dict[str, Any] = {"order_type": "stop", "limit_price": None, "stop_price": Decimal(57_000)}
    return await desk.places(**(terms | changes))


async def test_a_stop_is_held_for_and_waits(database: Database) -> None:
    desk = await Desk.open(database)
    order = await a_stop(desk)
    assert (order.status, order.held) == (Status.HELD, 715_107)
    assert (await desk.announced())[-2:] == ["order.held", "balance.changed"]
    seen = await desk.sees(order, at(56_900))
    assert seen == order
    await desk.proves()


@pytest.mark.requirement("R-10", "R-11")
async def test_its_price_sends_it_once_however_many_look(database: Database) -> None:
    desk = await Desk.open(database)
    order = await a_stop(desk)
    outcomes = await asyncio.gather(*(desk.sees(order, at(57_000), LATER) for _ in range(10)))
    assert sum(outcome is not None for outcome in outcomes) == 1
    after = await desk.order(order.id)
    assert (after.status, after.order_type, after.sent_type, after.triggered_at) == (
        Status.SUBMITTED,
        "stop",
        "market",
        LATER,
    )
    assert (await desk.announced()).count("order.submitted") == 1
    await desk.fills(after, price=Decimal(57_100))
    await desk.proves()


async def test_a_sale_stops_below_and_a_limit_goes_with_it(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.owns(10)
    terms = {"order_type": "stop_limit", "stop_price": Decimal(55_000), "limit_price": Decimal(54_900)}
    order = await desk.places(side="sell", **terms)
    assert (order.status, (await desk.position()).held) == (Status.HELD, 10)
    assert await desk.sees(order, at(55_100)) == order
    sent = await desk.sees(order, at(54_800))
    assert sent is not None
    assert (sent.status, sent.sent_type, sent.limit_price) == (Status.SUBMITTED, "limit", 54_900)
    await desk.proves()


async def test_a_trailing_stop_follows_the_best_price_and_never_back(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.owns(10)
    terms = {"order_type": "trailing_stop", "limit_price": None, "trail_percent": Decimal(2)}
    order = await desk.places(side="sell", **terms)
    for price, watched in ((56_500, 56_500), (56_000, 56_500), (60_000, 60_000), (58_900, 60_000)):
        await desk.sees(order, at(price))
        assert (await desk.order(order.id)).watched_price == watched
    assert (await desk.sees(order, at(58_800))).status is Status.SUBMITTED  # type: ignore[union-attr]


async def test_it_ends_with_its_day_and_gives_everything_back(database: Database) -> None:
    desk = await Desk.open(database)
    for over in (at(58_000, session="closed"), at(58_000, trading_date=DAY + timedelta(days=1))):
        assert (await desk.sees(await a_stop(desk), over)).status is Status.EXPIRED  # type: ignore[union-attr]
    lasting = await a_stop(desk, time_in_force="gtc")
    assert await desk.sees(lasting, at(58_000, session="closed")) == lasting
    assert await desk.sees(lasting, at(56_000, trading_date=DAY + timedelta(days=1))) == lasting
    assert (await desk.asks_to_cancel(lasting)).status is Status.CANCELED
    assert (await desk.balance()).held == 0
    await desk.proves()


@pytest.mark.parametrize("session", ["closing_auction", "volatility_auction", "halted"])
async def test_an_auction_or_a_halt_is_not_the_end_of_the_day(database: Database, session: str) -> None:
    desk = await Desk.open(database)
    order = await a_stop(desk)
    assert await desk.sees(order, at(58_000, session=session)) == order
    assert (await desk.sees(order, at(58_000))).status is Status.SUBMITTED  # type: ignore[union-attr]


@pytest.mark.requirement("R-10")
async def test_a_halt_cancels_what_waits_and_lets_nothing_go(database: Database) -> None:
    desk = await Desk.open(database)
    order = await a_stop(desk)
    await desk.halts()
    assert (await desk.order(order.id)).status is Status.CANCELED
    assert await desk.sees(order, at(58_000)) is None
    assert (await desk.balance()).held == 0


@pytest.mark.requirement("R-10")
async def test_reduce_only_keeps_the_stops_of_sales(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.owns(10)
    sale = await a_stop(desk, side="sell", stop_price=Decimal(55_000))
    await desk.halts("user", HaltMode.REDUCE_ONLY)
    assert (await desk.sees(sale, at(54_000))).status is Status.SUBMITTED  # type: ignore[union-attr]


async def test_a_new_days_higher_band_is_held_for_or_the_stop_is_canceled(database: Database) -> None:
    desk = await Desk.open(database, cash=760_000)
    rich = await a_stop(desk, time_in_force="gtc")
    band = type(a_quote().band)(lower=Decimal(40_000), upper=Decimal(75_000))  # type: ignore[misc]
    sent = await desk.sees(rich, at(60_000, band=band))
    assert sent is not None
    assert (sent.status, sent.held) == (Status.SUBMITTED, 750_112)
    await desk.hears(sent, Happening.CANCELED)
    poor = await a_stop(desk, time_in_force="gtc")
    higher = type(a_quote().band)(lower=Decimal(40_000), upper=Decimal(80_000))  # type: ignore[misc]
    after = await desk.sees(poor, at(60_000, band=higher))
    assert after is not None
    assert (after.status, after.reason) == (Status.CANCELED, "insufficient_cash")
    assert (await desk.balance()).held == 0
    await desk.proves()


class TestGroups:
    async def exits(self, desk: Desk, parent: Order) -> tuple[Order, Order]:
        async with desk.database.owned(desk.owner) as session:
            from trading.store import orders  # noqa: PLC0415 - beside its only use

            group = await orders.list_group(session, desk.owner, parent.id)
        profit, loss = sorted(group, key=lambda order: order.order_type)
        return profit, loss

    async def bracket(self, desk: Desk) -> Order:
        exits = {"take_profit_price": Decimal(60_000), "stop_loss_price": Decimal(54_000)}
        return await desk.places(**exits)

    async def test_a_filled_buy_gets_both_exits_and_its_shares_are_promised_once(self, database: Database) -> None:
        desk = await Desk.open(database)
        parent = await self.bracket(desk)
        await desk.fills(parent, quantity=Decimal(4))
        assert await desk.count("orders") == 1
        await desk.fills(parent)
        profit, loss = await self.exits(desk, parent)
        assert (profit.status, profit.limit_price, profit.held) == (Status.SUBMITTED, 60_000, 10)
        assert (loss.status, loss.stop_price, loss.held) == (Status.HELD, 54_000, 0)
        assert (await desk.position()).held == 10
        await desk.proves()

    async def test_a_buy_canceled_half_way_gets_exits_for_its_half(self, database: Database) -> None:
        desk = await Desk.open(database)
        parent = await self.bracket(desk)
        await desk.fills(parent, quantity=Decimal(4))
        await desk.hears(parent, Happening.CANCELED)
        profit, loss = await self.exits(desk, parent)
        assert (profit.quantity, loss.quantity) == (4, 4)
        await desk.proves()

    async def test_the_profit_taken_ends_the_stop(self, database: Database) -> None:
        desk = await Desk.open(database)
        parent = await self.bracket(desk)
        await desk.fills(parent)
        profit, loss = await self.exits(desk, parent)
        await desk.fills(profit)
        assert (await desk.order(loss.id)).status is Status.CANCELED
        assert await desk.sees(loss, at(53_000)) is None
        await desk.proves()

    @pytest.mark.requirement("R-7")
    async def test_the_stop_goes_only_after_the_others_cancel_and_for_what_it_left(self, database: Database) -> None:
        desk = await Desk.open(database)
        parent = await self.bracket(desk)
        await desk.fills(parent)
        profit, loss = await self.exits(desk, parent)
        waiting = await desk.sees(loss, at(53_900))
        assert waiting is not None
        assert (waiting.status, (await desk.order(profit.id)).status) == (Status.HELD, Status.PENDING_CANCEL)
        await desk.fills(profit, quantity=Decimal(3))
        await desk.hears(profit, Happening.CANCELED)
        sent = await desk.order(loss.id)
        assert (sent.status, sent.quantity, sent.held) == (Status.SUBMITTED, 7, 7)
        await desk.fills(sent, price=Decimal(53_900))
        assert (await desk.position()).quantity == 0
        await desk.proves()

    @pytest.mark.requirement("R-7")
    async def test_a_profit_that_crosses_the_cancel_wins(self, database: Database) -> None:
        desk = await Desk.open(database)
        parent = await self.bracket(desk)
        await desk.fills(parent)
        profit, loss = await self.exits(desk, parent)
        await desk.sees(loss, at(53_900))
        await desk.fills(profit)
        assert (await desk.order(loss.id)).status is Status.CANCELED
        await desk.proves()

    async def test_a_limit_sale_may_have_a_stop_loss_at_its_side(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        sale = await desk.places(side="sell", limit_price=Decimal(60_000), stop_loss_price=Decimal(54_000))
        async with desk.database.owned(desk.owner) as session:
            from trading.store import orders  # noqa: PLC0415 - beside its only use

            both = await orders.list_group(session, desk.owner, sale.id)
        assert sorted(order.order_type for order in both) == ["limit", "stop"]
        await desk.asks_to_cancel(sale)
        await desk.hears(sale, Happening.CANCELED)
        assert {(await desk.order(order.id)).status for order in both} == {Status.CANCELED}
        assert (await desk.position()).held == 0
        await desk.proves()
