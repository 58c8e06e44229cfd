"""What the broker reports: answers and executions move order, money and shares together, each once."""

import asyncio
import random
from contextlib import suppress
from decimal import Decimal
from typing import get_args

import pytest
from kit.db import Database
from kit.ids import new_id
from trading.domain.order import BrokerWord, Happening, Illegal, Order, Status
from trading.domain.position import Oversold
from trading.domain.request import OrderId
from trading.errors import OrderNotFound, OrderNotOpen
from trading.events import BalanceChanged

from services.trading.tests.builders import a_fill, an_order
from services.trading.tests.desk import Desk

STEPS = 60


class TestAnswers:
    async def test_an_accepted_order_is_announced_as_it_is_shown(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.hears(await desk.places(), Happening.ACCEPTED)
        assert order.status is Status.ACCEPTED
        assert (await desk.announced())[-1] == "order.accepted"

    @pytest.mark.parametrize("answer", [Happening.ACCEPTED, Happening.UNKNOWN])
    async def test_the_first_answer_to_a_buy_tells_what_it_holds(self, database: Database, answer: Happening) -> None:
        desk = await Desk.open(database)
        order = await desk.hears(await desk.places(), answer)
        told, holds = await desk.last_told(), BalanceChanged.of(await desk.balance())
        assert (told["status"], told["balance"]) == (order.status, holds.model_dump(mode="json"))
        assert holds.held == order.held > 0
        await desk.asks_to_cancel(order)
        await desk.hears(order, Happening.CANCEL_REJECTED)
        assert (await desk.last_told())["balance"] is None, "it is known by then"

    async def test_the_answer_to_a_sale_tells_of_no_cash(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        await desk.hears(await desk.places(side="sell"), Happening.ACCEPTED)
        assert (await desk.last_told())["balance"] is None

    @pytest.mark.requirement("R-20")
    @pytest.mark.parametrize("end", [Happening.CANCELED, Happening.EXPIRED, Happening.REJECTED])
    async def test_an_ended_buy_gives_its_cash_back_once(self, database: Database, end: Happening) -> None:
        desk = await Desk.open(database)
        order = await desk.places()
        ended = await desk.hears(order, end, "because")
        assert (await desk.balance()).available == 10_000_000
        assert (await desk.announced())[-2:] == [f"order.{ended.status}", "balance.changed"]
        announced = len(await desk.announced())
        await desk.hears(order, end)
        assert len(await desk.announced()) == announced
        await desk.proves()

    async def test_an_ended_sale_gives_its_shares_back(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        await desk.hears(await desk.places(side="sell"), Happening.CANCELED)
        assert (await desk.position()).held == 0
        await desk.proves()

    async def test_the_brokers_reason_is_kept(self, database: Database) -> None:
        desk = await Desk.open(database)
        assert (await desk.hears(await desk.places(), Happening.REJECTED, "unknown_symbol")).reason == "unknown_symbol"

    @pytest.mark.requirement("R-5")
    async def test_silence_keeps_the_hold_until_there_is_evidence(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.hears(await desk.places(), Happening.UNKNOWN)
        assert (order.status, (await desk.balance()).held) == (Status.UNKNOWN, order.held)
        assert (await desk.hears(order, Happening.ACCEPTED)).status is Status.ACCEPTED

    async def test_an_answer_about_an_order_we_do_not_have_is_not_found(self, database: Database) -> None:
        desk, stranger = await Desk.open(database), await Desk.open(database)
        with pytest.raises(OrderNotFound):
            await desk.hears(an_order(id=OrderId(new_id())), Happening.ACCEPTED)
        with pytest.raises(OrderNotFound):
            await stranger.hears(await desk.places(), Happening.ACCEPTED)


class TestCancel:
    async def test_it_is_asked_for_once_and_releases_nothing_by_itself(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.places()
        for _ in range(2):
            assert (await desk.asks_to_cancel(order)).status is Status.PENDING_CANCEL
        assert (await desk.balance()).held == order.held
        assert (await desk.announced()).count("order.cancel_requested") == 1

    async def test_a_canceled_order_stays_canceled_and_a_filled_one_is_not_open(self, database: Database) -> None:
        desk = await Desk.open(database)
        canceled, filled = await desk.places(), await desk.places()
        await desk.hears(canceled, Happening.CANCELED)
        await desk.fills(filled)
        assert (await desk.asks_to_cancel(canceled)).status is Status.CANCELED
        with pytest.raises(OrderNotOpen, match="filled"):
            await desk.asks_to_cancel(filled)

    async def test_a_strangers_order_does_not_exist(self, database: Database) -> None:
        desk, stranger = await Desk.open(database), await Desk.open(database)
        with pytest.raises(OrderNotFound):
            await stranger.asks_to_cancel(await desk.places())

    @pytest.mark.requirement("R-7")
    async def test_a_race_with_a_fill_ends_in_one_of_the_two_and_frees_the_hold_once(self, database: Database) -> None:
        desk = await Desk.open(database)
        for _ in range(25):
            order = await desk.asks_to_cancel(await desk.places(quantity=Decimal(1)))
            reports = [desk.hears(order, Happening.CANCELED), desk.fills(order)]
            random.Random(order.id.int).shuffle(reports)
            await asyncio.gather(*reports)
            after = await desk.order(order.id)
            assert (after.status, after.held, after.filled_quantity) == (Status.FILLED, 0, 1)
        assert (await desk.balance()).held == 0
        await desk.proves()


class TestExecutions:
    async def test_a_fill_moves_order_money_and_position_and_is_announced_as_one(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.places()
        part = await desk.fills(order, quantity=Decimal(4), price=Decimal(56_000))
        assert (part.status, part.filled_quantity, part.fee) == (Status.PARTIALLY_FILLED, 4, 33)
        assert (await desk.announced())[-2:] == ["order.submitted", "fill.booked"]
        full = await desk.fills(order, price=Decimal(56_000))
        assert (full.status, full.average_price, full.fee) == (Status.FILLED, 56_000, 83)
        assert (await desk.announced())[-2:] == ["fill.booked", "fill.booked"]
        balance, position = await desk.balance(), await desk.position()
        assert (balance.cash, balance.held) == (10_000_000 - 560_083, 0)
        assert position.average_price == Decimal("56008.3")
        await desk.proves()

    async def test_a_sale_pays_out_less_fee_and_tax_and_realises_profit(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        before = await desk.balance()
        order = await desk.places(side="sell", quantity=Decimal(5), limit_price=Decimal(56_500))
        await desk.fills(order, tax=Decimal(507))
        position, balance = await desk.position(), await desk.balance()
        assert balance.available - before.available == 282_500 - 42 - 507
        assert (position.quantity, position.held) == (5, 0)
        assert position.realized_profit == 282_500 - 42 - 507 - 5 * (560_000 + 84) / Decimal(10)
        await desk.proves()

    @pytest.mark.requirement("R-6")
    async def test_the_same_execution_counts_once_however_often_it_comes(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.places()
        fill = a_fill(order, quantity=Decimal(4))
        await asyncio.gather(*(desk.books(fill) for _ in range(5)))
        await desk.books(a_fill(await desk.order(order.id)))
        after = await desk.books(fill)
        assert (after.status, after.filled_quantity) == (Status.FILLED, 10)
        assert await desk.count("executions") == 2
        await desk.proves()

    @pytest.mark.requirement("R-5")
    async def test_a_late_fill_is_booked_and_leaves_the_order_canceled(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.hears(await desk.places(), Happening.CANCELED)
        late = await desk.fills(order, quantity=Decimal(3))
        assert (late.status, late.filled_quantity) == (Status.CANCELED, 3)
        assert (await desk.position()).quantity == 3
        await desk.proves()

    async def test_what_cannot_have_happened_changes_nothing(self, database: Database) -> None:
        desk = await Desk.open(database)
        order = await desk.places()
        with pytest.raises(Illegal):
            await desk.fills(order, quantity=Decimal(11))
        denied = await desk.places(quantity=Decimal(100_000))
        with pytest.raises(Illegal, match="denied"):
            await desk.fills(denied)
        await desk.owns(2)
        sale = await desk.hears(await desk.places(side="sell", quantity=Decimal(2)), Happening.CANCELED)
        await desk.fills(await desk.places(side="sell", quantity=Decimal(1)))
        with pytest.raises(Oversold):
            await desk.fills(sale)
        assert await desk.count("executions") == 2
        await desk.proves()


@pytest.mark.requirement("R-5", "R-18", "R-20", "R-21")
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_in_whatever_sequence_everything_agrees(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    desk = await Desk.open(database)
    placed: list[Order] = []
    for _ in range(STEPS):
        if not placed or chance.random() < 0.3:
            side = chance.choice(["buy", "buy", "sell"])
            price = Decimal(chance.randrange(550, 571) * 100)
            order = await desk.places(side=side, quantity=Decimal(chance.randint(1, 20)), limit_price=price)
            placed += [order] if order.is_open else []
            continue
        order = await desk.order(chance.choice(placed).id)
        with suppress(Illegal, OrderNotOpen, Oversold):
            await _something_happens(desk, order, chance)
    await desk.proves()


async def _something_happens(desk: Desk, order: Order, chance: random.Random) -> None:
    match chance.randint(0, 3):
        case 0:
            await desk.asks_to_cancel(order)
        case 1:
            await desk.hears(order, chance.choice(get_args(BrokerWord)))
        case _:
            quantity = Decimal(chance.randint(1, max(1, int(order.remaining_quantity))))
            price = (order.limit_price or Decimal(56_000)) + (-100 if order.side == "buy" else 100)
            await desk.fills(order, quantity=quantity, price=price)
