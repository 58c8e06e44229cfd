"""The drill: a backup is taken, the world goes on, the machine is lost, and the backup comes back."""

import asyncio
import datetime as dt
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.integration.platform_under_test import PORT_BASE, SYMBOL, Platform
from tools import service_commands
from tools.backups import commands, log, nightly, proving, quarantine, replaying, restoring, taking
from tools.backups.inventory import Inventory, Server, take_inventory
from tools.backups.replaying import Replay
from tools.backups.sealing import unseal
from tools.native import credentials, running
from tools.native.errors import StackError
from tools.native.layout import ROOT, Layout, settle
from tools.people import Refused, Trader

pytestmark = [pytest.mark.timeout(900), pytest.mark.stack]

RESTORED = ROOT / f".stack-restored-{PORT_BASE}"
PATIENCE_SECONDS = 120  # a worker that stood still has to find its lost connection to the bus first


@pytest_asyncio.fixture
async def elsewhere(platform: Platform) -> AsyncIterator[Layout]:
    """An empty machine with the same addresses; in the end the platform of the other tests runs again."""
    layout = Layout(settle(RESTORED), platform.layout.ports)
    running.clean(layout, RESTORED)
    yield Layout(settle(RESTORED), platform.layout.ports)
    running.clean(layout, RESTORED)
    await asyncio.to_thread(running.up, platform.layout)


@pytest.mark.requirement("R-57", "R-58", "R-59")
async def test_a_backup_comes_back_whole_into_quarantine_and_no_order_is_sent_twice(
    platform: Platform, trader: Trader, elsewhere: Layout
) -> None:
    bought = await trader.until_order((await trader.buys(SYMBOL, 2))["id"])
    await trader.until("/notifications", lambda shown: _notices_of(shown, bought["id"]) == 1)
    automation = await _starts_an_automation(trader)
    on_its_way = await _order_that_the_broker_has_not_read(platform, trader)
    balance = await _balance(trader)
    backup = await asyncio.to_thread(proving.take_and_prove, platform.layout, dt.datetime.now(dt.UTC))
    saved = _of(trader.user_id, await take_inventory(_server(platform.layout)))
    assert await _noted_of(platform, backup.name) == ["backup_begun", "backup_proved"]
    key = taking.backup_key(platform.layout)
    _wake(platform, "broker-worker")
    # The broker goes on, and the backup knows nothing of it.
    await trader.until(
        f"/trading/orders/{on_its_way['id']}", lambda order: order["status"] == "filled", PATIENCE_SECONDS
    )
    running.down(platform.layout)

    proved = await asyncio.to_thread(restoring.restore, elsewhere, backup, key, dt.datetime.now(dt.UTC))
    assert _of(trader.user_id, proved.inventory) == saved
    await asyncio.to_thread(running.up, elsewhere)
    await _nothing_goes_out(platform, elsewhere, trader)
    back = await _logs_in_again(trader)
    assert await _balance(back) == balance
    assert (await back.call("GET", f"/trading/orders/{on_its_way['id']}"))["status"] == "submitted"
    stopped = await back.call("GET", f"/trading/automations/{automation}")
    assert (stopped["status"], stopped["reason"]) == ("stopped", "restored"), "its signals may have become orders"
    with pytest.raises(Refused) as denied:
        await back.buys(SYMBOL, 1)
    assert denied.value.code == "trading_halted"

    await asyncio.to_thread(commands.release, elsewhere)
    await asyncio.to_thread(running.up, elsewhere)
    ended = await back.until(
        f"/trading/orders/{on_its_way['id']}", lambda order: order["status"] != "submitted", PATIENCE_SECONDS
    )
    assert ended["status"] == "rejected", "an order from before the restore is looked for, never sent"
    assert _notices_of(await back.call("GET", "/notifications"), bought["id"]) == 1
    assert service_commands.prove_ledger(elsewhere)[0] == 0
    assert "The audit log is whole" in service_commands.auth_admin(elsewhere, "audit-verify")
    restored = replace(platform, layout=elsewhere)
    assert await _noted_of(restored, backup.name) == ["backup_begun", "restored", "quarantine_released"]
    await back.leave()


@pytest.mark.requirement("R-58")
def test_a_backup_with_the_wrong_key_or_a_flaw_leaves_nothing_behind(platform: Platform, elsewhere: Layout) -> None:
    backup = taking.take(platform.layout, dt.datetime.now(dt.UTC))
    moment = dt.datetime.now(dt.UTC)
    with pytest.raises(StackError, match="the key is not the one"):
        restoring.restore(elsewhere, backup, bytes(32), moment)
    sealed = backup / taking.CLUSTER
    sealed.write_bytes(sealed.read_bytes()[:-1000])
    with pytest.raises(StackError, match="was changed since the backup was taken"):
        restoring.restore(elsewhere, backup, taking.backup_key(platform.layout), moment)
    assert not elsewhere.secrets.exists()
    assert not elsewhere.state_of("postgres").exists()
    assert quarantine.current(elsewhere) is None


@pytest.mark.requirement("R-58")
def test_a_backup_is_never_restored_over_a_stack(platform: Platform) -> None:
    backup = taking.take(platform.layout, dt.datetime.now(dt.UTC))
    with pytest.raises(StackError, match="holds a stack already"):
        restoring.restore(platform.layout, backup, taking.backup_key(platform.layout), dt.datetime.now(dt.UTC))
    assert (platform.layout.secrets / "passwords.json").exists()


@pytest_asyncio.fixture
async def with_a_keeper(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
    """The platform of the other tests keeps no log; this one does, and half a day passes before a night comes."""
    in_half_a_day = dt.datetime.now(dt.UTC) + dt.timedelta(hours=12)
    monkeypatch.setenv(nightly.AT_VARIABLE, f"{in_half_a_day:%H:%M}")
    await asyncio.to_thread(running.up, platform.layout)
    yield platform
    monkeypatch.setenv(nightly.AT_VARIABLE, nightly.OFF)
    await asyncio.to_thread(running.up, platform.layout)


@pytest.mark.requirement("R-58", "R-59")
async def test_the_disk_is_lost_and_the_platform_comes_back_as_it_was_between_two_orders(
    with_a_keeper: Platform, trader: Trader, elsewhere: Layout, tmp_path: Path
) -> None:
    platform = with_a_keeper
    before = await asyncio.to_thread(proving.take_and_prove, platform.layout, dt.datetime.now(dt.UTC))
    kept = await trader.until_order((await trader.buys(SYMBOL, 2))["id"])
    balance = await _balance(trader)
    moment, saved = await _a_moment_of_rest(trader, platform.layout)
    undone = await trader.until_order((await trader.buys(SYMBOL, 1))["id"])
    until = await _log_is_taken_away_until(platform.layout, dt.datetime.now(dt.UTC))
    assert until - moment < dt.timedelta(minutes=10)
    attic, key = tmp_path / "attic", taking.backup_key(platform.layout)
    shutil.copytree(taking.folder_of(platform.layout), attic)
    running.down(platform.layout)
    backup = replaying.choose(attic, moment)
    assert backup.name == before.name
    with _lost(platform.layout):
        now = dt.datetime.now(dt.UTC)
        proved = await asyncio.to_thread(restoring.restore, elsewhere, backup, key, now, Replay(attic, moment))
    assert _of(trader.user_id, proved.inventory) == saved, "as it was at the moment, by table"
    assert proved.accounts_proved > 0
    assert proved.until is not None
    assert proved.until <= moment
    await asyncio.to_thread(running.up, elsewhere)
    back = await _logs_in_again(trader)
    assert await _balance(back) == balance
    assert (await back.call("GET", f"/trading/orders/{kept['id']}"))["status"] == "filled"
    with pytest.raises(Refused) as unknown:
        await back.call("GET", f"/trading/orders/{undone['id']}")
    assert unknown.value.status == httpx.codes.NOT_FOUND
    assert "The audit log is whole" in service_commands.auth_admin(elsewhere, "audit-verify")
    assert quarantine.current(elsewhere) is not None
    await back.leave()


async def _a_moment_of_rest(trader: Trader, layout: Layout) -> tuple[dt.datetime, dict[str, int]]:
    """A moment, and what the trader had then: the same was counted before it and after."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        before = _of(trader.user_id, await take_inventory(_server(layout)))
        moment = dt.datetime.now(dt.UTC)
        if before == _of(trader.user_id, await take_inventory(_server(layout))):
            return moment, before
        assert time.monotonic() < deadline, "rows come without an end"


@contextmanager
def _lost(layout: Layout) -> Iterator[None]:
    """The servers' disks are gone; they come back for the tests that follow."""
    disk, gone = layout.state_of("postgres"), layout.directory / "gone"
    disk.rename(gone)
    yield
    gone.rename(disk)


async def _log_is_taken_away_until(layout: Layout, moment: dt.datetime) -> dt.datetime:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (until := log.archived_until(layout)) is None or until < moment:
        assert time.monotonic() < deadline, f"the log is taken away until {until} only"
        await asyncio.sleep(1)
    return until


async def _starts_an_automation(trader: Trader) -> str:
    terms = {"name": "Hooked", "account_id": trader.account_id, "symbols": [SYMBOL], "capital": "1000"}
    made = await trader.call("POST", "/trading/automations", **terms)
    started = await trader.call("POST", f"/trading/automations/{made['id']}/start")
    assert started["status"] == "running"
    return str(made["id"])


async def _order_that_the_broker_has_not_read(platform: Platform, trader: Trader) -> dict[str, str]:
    os.kill(int(platform.processes()["broker-worker"]["pid"]), signal.SIGSTOP)
    order: dict[str, str] = await trader.buys(SYMBOL, 1)
    return order


def _wake(platform: Platform, name: str) -> None:
    os.kill(int(platform.processes()[name]["pid"]), signal.SIGCONT)


async def _nothing_goes_out(platform: Platform, layout: Layout, trader: Trader) -> None:
    restored = replace(platform, layout=layout)
    assert not [name for name in restored.processes() if name.endswith("-worker") or name == "backups"]
    unsent = await restored.rows("trading", "SELECT count(*) AS events FROM events WHERE published_at IS NULL")
    assert unsent[0]["events"] > 0
    with pytest.raises(Refused) as ended:
        await trader.call("GET", "/users/profile")
    assert ended.value.status == httpx.codes.UNAUTHORIZED


async def _noted_of(stack: Platform, backup: str) -> list[str]:
    """What the audit log says of a backup; what came after it stands in the log that it left."""
    named = f"SELECT action FROM audit_log WHERE actor = 'operator' AND subject = '{backup}' ORDER BY position"
    return [row["action"] for row in await stack.rows("auth", named)]


async def _logs_in_again(trader: Trader) -> Trader:
    back = Trader.stranger(trader.gateway, trader.name, email=trader.email, password=trader.password)
    await back.log_in()
    back.account_id = trader.account_id
    return back


async def _balance(trader: Trader) -> object:
    return (await trader.call("GET", f"/trading/accounts/{trader.account_id}/balance"))["items"]


def _notices_of(shown: dict[str, list[object]], order_id: str) -> int:
    return sum(order_id in str(notice) for notice in shown["items"])


def _of(owner: str, inventory: Inventory) -> dict[str, int]:
    """The rows of one owner, by table."""
    return {table: owners[owner] for table, owners in inventory.items() if owner in owners}


def _server(layout: Layout) -> Server:
    passwords = credentials.open_passwords(layout)
    return Server("127.0.0.1", layout.ports.postgres, passwords.of(credentials.POSTGRES_ADMIN))


def test_the_key_lies_in_no_backup(platform: Platform, tmp_path: Path) -> None:
    backup = taking.take(platform.layout, dt.datetime.now(dt.UTC))
    with (backup / taking.STACK).open("rb") as sealed, (tmp_path / "stack.tar").open("wb") as plain:
        unseal(sealed, plain, taking.backup_key(platform.layout))
    assert taking.backup_key(platform.layout).hex().encode() not in (tmp_path / "stack.tar").read_bytes()
