"""Two buys of which one cancels the other: cash is held once, for the dearer, and only one of them ever buys."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from quant.markets.bands import Band
from trading.domain.order import Happening, Order, Status
from trading.errors import OrderNotReplaceable
from trading.store import orders

from services.trading.tests.builders import DAY, NOW, a_quote
from services.trading.tests.desk import Desk

LATER = NOW + timedelta(seconds=1)
LIMIT, STOP, STOP_LIMIT = Decimal(55_000), Decimal(57_000), Decimal(57_500)
DEARER = Decimal(575_086)
"""Ten shares at the stop's limit, and the fee."""


def at(price: int, **changes: Any) -> Any:
    return a_quote(price=Decimal(price), **changes)


async def a_pair(desk: Desk, **changes: Any) -> tuple[Order, Order]:
    terms = {"limit_price": LIMIT, "oco_stop_price": STOP, "oco_stop_limit_price": STOP_LIMIT} | changes
    limit = await desk.places(**terms)
    assert limit.reason is None, limit.detail
    return limit, await stop_of(desk, limit)


async def stop_of(desk: Desk, limit: Order) -> Order:
    async with desk.database.owned(desk.owner) as session:
        group = await orders.list_group(session, desk.owner, limit.id)
    [stop] = [each for each in group if each.id != limit.id]
    return stop


@pytest.mark.parametrize(("changes", "held"), [({}, DEARER), ({"oco_stop_limit_price": None}, Decimal(715_107))])
async def test_cash_is_held_once_for_the_dearer(database: Database, changes: dict[str, Any], held: Decimal) -> None:
    desk = await Desk.open(database)
    limit, stop = await a_pair(desk, **changes)
    assert (limit.status, limit.held) == (Status.SUBMITTED, held)
    assert (stop.status, stop.side, stop.stop_price, stop.held) == (Status.HELD, "buy", STOP, 0)
    assert (await desk.balance()).held == held
    await desk.proves()


async def test_a_pair_that_only_the_cheaper_could_pay_is_denied(database: Database) -> None:
    desk = await Desk.open(database, cash=560_000)
    denied = await desk.places(limit_price=LIMIT, oco_stop_price=STOP, oco_stop_limit_price=STOP_LIMIT)
    assert (denied.status, denied.reason) == (Status.DENIED, "insufficient_cash")
    assert await desk.count("orders") == 1


async def test_the_limits_fill_cancels_the_stop_and_frees_what_it_was_dearer(database: Database) -> None:
    desk = await Desk.open(database)
    limit, stop = await a_pair(desk)
    await desk.fills(limit, quantity=Decimal(4))
    assert (await desk.order(stop.id)).status is Status.HELD
    await desk.fills(limit)
    assert (await desk.order(stop.id)).status is Status.CANCELED
    assert ((await desk.position()).quantity, (await desk.balance()).held) == (10, 0)
    await desk.proves()


@pytest.mark.requirement("R-7")
@pytest.mark.parametrize("filled", [0, 4, 9])
async def test_the_stop_goes_only_after_the_others_cancel_for_what_it_left(database: Database, filled: int) -> None:
    desk = await Desk.open(database, cash=575_086)
    limit, stop = await a_pair(desk)
    waiting = await desk.sees(stop, at(57_100), LATER)
    assert waiting is not None
    assert (waiting.status, (await desk.order(limit.id)).status) == (Status.HELD, Status.PENDING_CANCEL)
    if filled:
        await desk.fills(limit, quantity=Decimal(filled))
    await desk.hears(limit, Happening.CANCELED)
    sent = await desk.order(stop.id)
    assert (sent.status, sent.sent_type, sent.quantity) == (Status.SUBMITTED, "limit", 10 - filled)
    assert (await desk.balance()).held == sent.held > 0
    await desk.proves()
    await desk.fills(sent)
    assert ((await desk.position()).quantity, (await desk.balance()).held) == (10, 0)
    await desk.proves()


@pytest.mark.requirement("R-7")
async def test_a_fill_that_crosses_the_cancel_wins(database: Database) -> None:
    desk = await Desk.open(database)
    limit, stop = await a_pair(desk)
    await desk.sees(stop, at(57_100))
    await desk.fills(limit)
    assert (await desk.order(stop.id)).status is Status.CANCELED
    assert (await desk.announced()).count("order.submitted") == 1
    await desk.proves()


@pytest.mark.parametrize("happening", [Happening.CANCELED, Happening.EXPIRED, Happening.REJECTED])
async def test_the_end_of_the_limit_ends_both_while_the_stops_price_has_not_come(
    database: Database, happening: Happening
) -> None:
    desk = await Desk.open(database)
    limit, stop = await a_pair(desk)
    await desk.hears(limit, happening)
    assert (await desk.order(stop.id)).status in {Status.CANCELED, Status.EXPIRED}
    assert (await desk.balance()).held == 0
    await desk.proves()


async def test_who_cancels_the_stop_keeps_the_limit(database: Database) -> None:
    desk = await Desk.open(database)
    limit, stop = await a_pair(desk)
    await desk.asks_to_cancel(stop)
    assert ((await desk.order(stop.id)).status, (await desk.order(limit.id)).status) == (
        Status.CANCELED,
        Status.SUBMITTED,
    )
    await desk.fills(limit)
    await desk.proves()


async def test_a_later_days_higher_band_is_held_for_or_the_stop_is_canceled(database: Database) -> None:
    desk = await Desk.open(database, cash=760_000)
    limit, stop = await a_pair(desk, oco_stop_limit_price=None, time_in_force="gtc")
    higher = at(57_100, trading_date=DAY + timedelta(days=1), band=Band(lower=Decimal(40_000), upper=Decimal(80_000)))
    await desk.sees(stop, higher)
    await desk.hears(limit, Happening.CANCELED)
    after = await desk.order(stop.id)
    assert (after.status, after.reason) == (Status.CANCELED, "insufficient_cash")
    assert (await desk.balance()).held == 0
    await desk.proves()


async def test_neither_of_a_pair_is_replaced(database: Database) -> None:
    desk = await Desk.open(database)
    limit, stop = await a_pair(desk)
    await desk.hears(limit, Happening.ACCEPTED)
    for order in (limit, stop):
        with pytest.raises(OrderNotReplaceable, match="place it anew"):
            await desk.asks_to_replace(order, quantity=Decimal(5))
    await desk.proves()


async def test_a_halt_takes_both_back(database: Database) -> None:
    desk = await Desk.open(database)
    limit, stop = await a_pair(desk)
    await desk.halts()
    assert (await desk.order(stop.id)).status is Status.CANCELED
    await desk.hears(limit, Happening.CANCELED)
    assert (await desk.balance()).held == 0
    assert await desk.sees(stop, at(58_000)) is None
    await desk.proves()
