"""Whoever throws the kill switch is in the one audit log, whichever service it belongs to, and the log is whole."""

import pytest

from tests.integration.platform_under_test import Platform
from tools import cli, service_commands
from tools.native import sealing_keys
from tools.people import Admin, Trader

pytestmark = [pytest.mark.stack, pytest.mark.requirement("R-57")]


async def test_a_halt_and_a_tighter_limit_reach_the_chain(platform: Platform, trader: Trader, admin: Admin) -> None:
    await trader.call("PUT", "/trading/risk-limits", currency="USD", order_quantity_max="100")
    await trader.call("POST", "/trading/halt", level="user")
    me = (await trader.call("GET", "/users/profile"))["id"]
    for action in ("logged_in", "account_opened", "limits_tightened", "trading_halted"):
        found = await admin.until(f"/admin/audit?user_id={me}&action={action}", lambda page: bool(page["items"]))
        assert found["items"][0]["actor"] == me, action
    assert "The audit log is whole" in service_commands.auth_admin(platform.layout, "audit-verify")


@pytest.mark.requirement("R-53")
async def test_sealing_keys_are_added_while_everything_runs_and_the_log_says_so(
    platform: Platform, trader: Trader, admin: Admin
) -> None:
    await trader.call("POST", "/auth/2fa/enroll")
    for service in sealing_keys.SEALING:
        assert f"{service} has a new sealing key" in cli.rotate_sealing(platform.layout, service)
        assert cli.reseal(platform.layout, service) == 0, "everything has moved"
        last = (await admin.call("GET", "/admin/audit?action=sealing_key_added&limit=1"))["items"][0]
        assert (last["actor"], last["subject"]) == ("operator", service)
    assert (await trader.call("POST", "/auth/2fa/enroll"))["secret"], "who seals now does so with the new one"
