"""Automations of live accounts: asked about the permission and the switch whenever they act, whoever set them up."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from kit.db import Database
from kit.testing.fixtures import client
from kit.testing.serving import serving
from kit.testing.tokens import Tokens
from redis.asyncio import Redis
from trading.app import create_app
from trading.config import Settings
from trading.domain.automation import Status
from trading.domain.order import Happening
from trading.domain.signal import SignalStatus
from trading.resources import open_resources
from trading.usecases.record_execution import record_execution

from services.trading.tests.automation_bench import DAY, FOREVER, TOMORROW, Bench, a_document
from services.trading.tests.builders import SAMSUNG, a_fill, a_quote
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


async def test_a_day_on_paper_and_live_stands_beside_the_backtest_with_what_real_money_changed(
    bench: Bench, database: Database, tokens: Tokens
) -> None:
    paper = await Desk.open(database, owner=bench.owner)
    live = await bench.automates(a_document(**FOREVER), name="real")
    tried = await bench.automates(strategy_id=live.strategy_id, account_id=paper.account_id, name="tried")
    await bench.automates(a_document(**FOREVER), account_id=paper.account_id, name="of another strategy", start=False)
    await raises_a_signal(bench)
    by_account = {order.account_id: order for order in await bench.orders()}
    for account_id, price, fee, seconds in ((paper.account_id, 56_000, 880, 1), (live.account_id, 56_100, 1_760, 4)):
        order = await bench.desk.hears(by_account[account_id], Happening.ACCEPTED)
        fill = a_fill(order, price=Decimal(price), fee=Decimal(fee))
        async with database.owned(bench.owner) as session:
            await record_execution(session, bench.owner, fill, bench.clock() + timedelta(seconds=seconds))
    headers = {"Authorization": f"Bearer {tokens.for_user(bench.owner)}"}
    async with client(create_app(bench.settings, tokens.verifier)) as api:
        path = f"/api/v1/trading/automations/{live.id}/drift?day={DAY}"
        report = (await api.get(path, headers=headers)).json()
        mirrored = (await api.get(path.replace(str(live.id), str(tried.id)), headers=headers)).json()
    (beside,) = report["beside"]
    assert (report["account_kind"], beside["account_kind"], beside["name"]) == ("live", "paper", "tried")
    assert (report["differences"], beside["differences"]) == ([], [])
    fills = [rows[0]["fill"] for rows in (report["rows"], beside["rows"])]
    assert [(fill["price"], fill["fee"], fill["latency_seconds"]) for fill in fills] == [
        ("56100", "1760", 4),
        ("56000", "880", 1),
    ]
    (gap,) = beside["live_against_paper"]
    assert (gap["symbol"], gap["price_gap"], gap["fee_gap"], gap["latency_gap_seconds"]) == (SAMSUNG, "100", "10", 3)
    assert mirrored["beside"][0]["live_against_paper"] == [gap]
