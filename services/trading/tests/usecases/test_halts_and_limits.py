"""The kill switch and the owner's own limits: read in the very transaction that would send an order."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from kit.db import Database
from kit.ids import new_id
from trading.domain.halt import COOL_OFF, Halt, HaltMode
from trading.domain.limits import LOOSENING_WAITS
from trading.domain.order import Happening, Status
from trading.errors import AccountNotFound, CoolingOff, NotHalted, ReplaceDenied
from trading.usecases.halt_platform import halt_platform
from trading.usecases.resume_platform import resume_platform

from services.trading.tests.builders import NOW, a_quote
from services.trading.tests.desk import Desk

LOOSER_AT = NOW + LOOSENING_WAITS


class TestHalts:
    @pytest.mark.requirement("R-10")
    async def test_it_denies_new_orders_and_withdraws_open_ones(self, database: Database) -> None:
        desk = await Desk.open(database)
        open_orders = [await desk.places(quantity=Decimal(1)) for _ in range(3)]
        assert await desk.halts() == 3
        assert {(await desk.order(order.id)).status for order in open_orders} == {Status.PENDING_CANCEL}
        assert (await desk.places()).reason == "trading_halted"
        await desk.resumes()
        assert (await desk.places()).is_open

    @pytest.mark.requirement("R-10")
    async def test_the_owners_switch_reaches_every_account_and_only_theirs(self, database: Database) -> None:
        desk, stranger = await Desk.open(database), await Desk.open(database)
        second = await Desk.open(database, owner=desk.owner)
        order = await second.places()
        assert await desk.halts("user") == 1
        assert (await second.order(order.id)).status is Status.PENDING_CANCEL
        assert (await second.places()).reason == "trading_halted"
        assert (await stranger.places()).is_open

    @pytest.mark.requirement("R-10")
    async def test_reduce_only_takes_sales_and_withdraws_buys(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        buy, sale = await desk.places(quantity=Decimal(1)), await desk.places(side="sell", quantity=Decimal(2))
        assert await desk.halts(mode=HaltMode.REDUCE_ONLY) == 1
        statuses = [(await desk.order(order.id)).status for order in (buy, sale)]
        assert statuses == [Status.PENDING_CANCEL, Status.SUBMITTED]
        assert (await desk.places()).reason == "trading_halted"
        assert (await desk.places(side="sell", quantity=Decimal(2))).is_open

    @pytest.mark.requirement("R-10")
    async def test_no_order_slips_past_a_halt_that_is_answered(self, database: Database) -> None:
        desk = await Desk.open(database)
        placing = [asyncio.create_task(desk.places(quantity=Decimal(1))) for _ in range(30)]
        await asyncio.sleep(0)
        await desk.halts()
        placed = await asyncio.gather(*placing)
        for order in placed:
            assert (await desk.order(order.id)).status in {Status.PENDING_CANCEL, Status.DENIED}
        await desk.proves()

    @pytest.mark.requirement("R-10")
    async def test_the_platforms_switch_stops_everybody_and_cools_off(self, database: Database) -> None:
        desk = await Desk.open(database)
        halt = Halt(level="global", scope_id=None, mode=HaltMode.HALTED, reason="a test", halted_at=NOW)
        async with database.system() as session:
            await halt_platform(session, halt, new_id())
        assert (await desk.places()).reason == "trading_halted"
        with pytest.raises(CoolingOff):
            async with database.system() as session:
                await resume_platform(session, new_id(), NOW + COOL_OFF - timedelta(seconds=1))
        async with database.system() as session:
            await resume_platform(session, new_id(), NOW + COOL_OFF)
        assert (await desk.places()).is_open

    async def test_what_is_not_halted_cannot_resume_and_strangers_accounts_do_not_exist(
        self, database: Database
    ) -> None:
        desk, stranger = await Desk.open(database), await Desk.open(database)
        with pytest.raises(NotHalted):
            await desk.resumes()
        stranger.account_id = desk.account_id
        with pytest.raises(AccountNotFound):
            await stranger.halts()


class TestLimits:
    @pytest.mark.requirement("R-8")
    async def test_a_tighter_limit_holds_at_once_a_looser_one_a_day_later(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.limits_itself(order_quantity_max=Decimal(5))
        assert (await desk.places(quantity=Decimal(6))).reason == "fat_finger_quantity"
        done = await desk.limits_itself(order_quantity_max=Decimal(8))
        assert done.pending is not None
        assert (done.current.limits.order_quantity_max, done.pending.effective_at) == (5, LOOSER_AT)
        early = await desk.submits(desk.request(quantity=Decimal(6)), a_quote(), NOW)
        assert early.order.reason == "fat_finger_quantity"
        late = await desk.submits(desk.request(quantity=Decimal(6)), a_quote(published_at=LOOSER_AT), LOOSER_AT)
        assert late.order.is_open

    async def test_fresh_proof_of_who_asks_loosens_at_once(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.limits_itself(order_quantity_max=Decimal(5))
        done = await desk.limits_itself(stepped_up=True, now=NOW + timedelta(seconds=1))
        assert done.pending is None
        placed = await desk.submits(desk.request(), now=NOW + timedelta(seconds=1))
        assert placed.order.is_open

    async def test_the_last_word_counts_and_withdraws_what_was_pending(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.limits_itself(order_quantity_max=Decimal(5))
        await desk.limits_itself(now=NOW + timedelta(seconds=1))
        await desk.limits_itself(now=NOW + timedelta(seconds=2), order_quantity_max=Decimal(3))
        late = NOW + 2 * LOOSENING_WAITS
        placed = await desk.submits(desk.request(quantity=Decimal(4)), a_quote(published_at=late), late)
        assert placed.order.reason == "fat_finger_quantity"

    async def test_the_tightest_of_owner_and_account_counts(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.limits_itself(order_quantity_max=Decimal(9))
        await desk.limits_itself(scope="user", order_quantity_max=Decimal(5), restricted_symbols=("000660",))
        assert (await desk.places(quantity=Decimal(6))).reason == "fat_finger_quantity"
        assert (await desk.places(quantity=Decimal(5), symbol="000660")).reason == "restricted_symbol"
        assert (await desk.places(quantity=Decimal(5))).is_open

    @pytest.mark.requirement("R-8")
    async def test_counters_are_counted_from_the_books(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(10)
        sale = await desk.places(side="sell", limit_price=Decimal(55_000))
        await desk.fills(sale)
        await desk.limits_itself(daily_loss_max=Decimal(10_000))
        assert (await desk.places()).reason == "daily_loss_limit"
        await desk.limits_itself(stepped_up=True, daily_trades_max=Decimal(3))
        assert (await desk.places()).is_open
        assert (await desk.places()).reason == "daily_trade_limit"
        await desk.limits_itself(stepped_up=True, open_value_max=Decimal(1_000_000))
        assert (await desk.places()).reason == "open_order_limit"
        await desk.limits_itself(stepped_up=True, position_weight_max_percent=Decimal(5))
        assert (await desk.places()).reason == "position_limit"
        await desk.limits_itself(stepped_up=True, leverage_max=Decimal("0.1"))
        assert (await desk.places()).reason == "position_limit"

    @pytest.mark.requirement("R-8")
    @pytest.mark.parametrize(
        "bound", [{"position_value_max": Decimal(1_200_000)}, {"position_weight_max_percent": Decimal(12)}]
    )
    async def test_buys_that_are_open_count_as_the_position_they_may_become(
        self, database: Database, bound: dict[str, Decimal]
    ) -> None:
        desk = await Desk.open(database)
        await desk.limits_itself(**bound)
        first = await desk.places()
        second = await desk.places(limit_price=Decimal(56_000))
        assert (first.is_open, second.is_open) == (True, True)
        assert (await desk.places()).reason == "position_limit", "two are open, and would make it too much"
        assert (await desk.places(symbol="000660")).is_open, "of another symbol nothing is being bought"
        await desk.fills(first)
        assert (await desk.places()).reason == "position_limit", "what is filled is the position itself"
        await desk.hears(second, Happening.CANCELED)
        assert (await desk.places()).is_open

    @pytest.mark.requirement("R-8")
    async def test_an_order_is_judged_by_its_new_terms_and_not_by_the_old_ones_as_well(
        self, database: Database
    ) -> None:
        desk = await Desk.open(database)
        await desk.limits_itself(open_value_max=Decimal(600_000), position_value_max=Decimal(600_000))
        order = await desk.hears(await desk.places(), Happening.ACCEPTED)
        await desk.fills(order, quantity=Decimal(4))
        with pytest.raises(ReplaceDenied):
            await desk.asks_to_replace(order, quantity=Decimal(11))
        asking = await desk.asks_to_replace(order, limit_price=Decimal(56_000))
        assert asking.replace_limit_price == 56_000

    @pytest.mark.requirement("R-8")
    async def test_the_operators_figure_counts_orders_of_all_accounts_and_the_owners_own_limits_leave_it(
        self, database: Database
    ) -> None:
        desk = await Desk.open(database)
        other, stranger = await Desk.open(database, owner=desk.owner), await Desk.open(database)
        await other.limits_itself(daily_trades_max=Decimal(100))
        for each in (desk, other):
            placed = await each.submits(each.request(), person_trades_max=2)
            assert placed.order.is_open
        for each in (desk, other):
            denied = (await each.submits(each.request(), person_trades_max=2)).order
            assert (denied.reason, "over all your accounts" in (denied.detail or "")) == ("daily_trade_limit", True)
        assert (await stranger.submits(stranger.request(), person_trades_max=2)).order.is_open
        tomorrow = NOW + timedelta(days=1)
        placed = await desk.submits(desk.request(), a_quote(published_at=tomorrow), tomorrow, person_trades_max=2)
        assert placed.order.is_open, "and it begins anew at the market's midnight"

    @pytest.mark.requirement("R-8")
    async def test_orders_of_two_accounts_at_once_never_exceed_the_operators_figure(self, database: Database) -> None:
        desk = await Desk.open(database)
        other = await Desk.open(database, owner=desk.owner)
        tries = [each.submits(each.request(), person_trades_max=3) for _ in range(5) for each in (desk, other)]
        placed = await asyncio.gather(*tries)
        assert sum(each.order.is_open for each in placed) == 3

    @pytest.mark.requirement("R-8")
    async def test_a_second_has_so_many_messages(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.limits_itself(orders_per_second_max=Decimal(3))
        orders = [await desk.places(quantity=Decimal(1)) for _ in range(4)]
        assert [order.reason for order in orders] == [None, None, None, "rate_limit"]
        later = NOW + timedelta(seconds=1)
        assert (await desk.submits(desk.request(), now=later)).order.is_open

    @pytest.mark.requirement("R-8")
    async def test_the_same_order_twice_within_ten_seconds_is_a_slip_unless_it_is_numbered(
        self, database: Database
    ) -> None:
        desk = await Desk.open(database)

        async def unnumbered(seconds: int) -> str | None:
            request = desk.request(quantity=Decimal(1))
            at = NOW + timedelta(seconds=seconds)
            named = type(request)(**{**_values(request), "client_order_id": str(request.id)})
            return (await desk.submits(named, a_quote(published_at=at), at)).order.reason

        assert [await unnumbered(second) for second in (0, 1, 9, 10)] == [
            None,
            "duplicate_order",
            "duplicate_order",
            None,
        ]
        assert (await desk.places(quantity=Decimal(1))).is_open
        await desk.limits_itself(duplicate_seconds=Decimal(5))
        assert (await desk.places(quantity=Decimal(1))).reason == "duplicate_order"


def _values(request: object) -> dict[str, object]:
    return {name: getattr(request, name) for name in request.__dataclass_fields__}  # type: ignore[attr-defined]
