"""Automations of live accounts: asked about the permission and the switch whenever they act, whoever set them up."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
import pytest_asyncio
from kit.db import Database
from kit.testing.serving import serving
from redis.asyncio import Redis
from trading.config import Settings
from trading.domain.automation import Status
from trading.domain.signal import SignalStatus
from trading.resources import open_resources

from services.trading.tests.automation_bench import DAY, FOREVER, TOMORROW, Bench, a_document
from services.trading.tests.builders import SAMSUNG, a_quote
from services.trading.tests.desk import A_TESTS_NOW, Desk
from services.trading.tests.neighbours import Neighbours


@pytest_asyncio.fixture
async def bench(database: Database, settings: Settings, redis: Redis) -> AsyncIterator[Bench]:
    neighbours = Neighbours()
    async with serving(neighbours.app()) as url:
        told = settings.model_copy(update={"market_url": url, "auth_url": url, "live_allowed": True})
        async with open_resources(told) as resources:
            there = replace(resources, limits=replace(resources.limits, clock_skew_max=A_TESTS_NOW))
            yield Bench(await Desk.open_live(database), neighbours, told, there, redis)
    await redis.delete(f"realtime:{SAMSUNG}")


async def raises_a_signal(bench: Bench) -> None:
    worker = await bench.worker()
    await bench.closes(DAY)
    await worker.work_off()
    await bench.quotes(a_quote(trading_date=TOMORROW))
    await worker.look()


async def hears(bench: Bench, *permissions: str, locked: bool = False) -> None:
    said = {"user_id": str(bench.owner), "permissions": permissions, "locked": locked}
    await bench.hears("auth.permissions.changed.v1", bench.owner, **said)


async def test_somebody_with_the_permission_has_it_buy_with_real_money(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER))
    await raises_a_signal(bench)
    (order,) = await bench.orders()
    assert (order.side, order.status) == ("buy", "submitted")


async def test_it_buys_nothing_while_the_operators_switch_is_off_and_the_signal_says_so(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER))
    bench.resources = replace(bench.resources, limits=replace(bench.resources.limits, live_allowed=False))
    await raises_a_signal(bench)
    (signal,) = await bench.signals()
    assert signal.status is SignalStatus.REFUSED
    assert signal.detail is not None
    assert "TRADING_LIVE_ALLOWED" in signal.detail
    assert "signal.settled" in await bench.desk.announced()


@pytest.mark.requirement("R-48")
async def test_a_yes_after_the_permission_is_gone_buys_nothing(bench: Bench) -> None:
    await bench.automates(a_document(**FOREVER), mode="ask")
    await raises_a_signal(bench)
    (signal,) = await bench.signals()
    await hears(bench, "paper")
    await bench.decides(signal, "approve")
    await bench.quotes(a_quote(trading_date=TOMORROW))
    await (await bench.worker()).look()
    (signal,) = await bench.signals()
    assert signal.status in {SignalStatus.REFUSED, SignalStatus.SKIPPED}
    assert [order.status for order in await bench.orders() if order.status != "denied"] == []


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize(("permissions", "locked"), [(("paper",), False), (("paper", "real"), True)])
async def test_the_permission_gone_it_pauses_says_why_and_still_sells_what_it_has(
    bench: Bench, permissions: tuple[str, ...], *, locked: bool
) -> None:
    worker = await bench.worker()
    automation, bought = await bench.buys(worker, a_document(**FOREVER, stop_loss="0.05"))
    await hears(bench, *permissions, locked=locked)
    paused = await bench.automation(automation)
    assert (paused.status, paused.reason) == (Status.PAUSED, "the permission to trade with real money was taken away")
    assert (await bench.desk.announced())[-1] == "automation.changed"
    await bench.quotes(a_quote(trading_date=TOMORROW, price=Decimal(53_200)))
    await (await bench.worker()).look()
    sale = (await bench.orders())[1]
    assert (sale.side, sale.status, sale.quantity) == ("sell", "submitted", bought.quantity)


async def test_permissions_of_somebody_without_live_accounts_change_nothing_on_paper(
    bench: Bench, database: Database
) -> None:
    paper = await Desk.open(database, owner=bench.owner)
    automation = await bench.automates(a_document(**FOREVER), account_id=paper.account_id)
    await hears(bench, "paper")
    assert (await bench.automation(automation)).status is Status.RUNNING
