"""Somebody takes along everything that is theirs, and leaves for good."""

import asyncio
import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from tests.integration.invariants import assert_the_ledger_proves_itself
from tests.integration.platform_under_test import SYMBOL, Platform
from tools.people import Admin, Trader

pytestmark = pytest.mark.stack

SERVICES = {"auth", "trading", "market", "backtest", "broker", "notification"}
OUT_WITHIN_SECONDS = 60


async def test_everything_is_taken_along_and_nothing_stays_behind(
    platform: Platform, admin: Admin, trader: Trader
) -> None:
    bought = await trader.until_order((await trader.buys(SYMBOL, 3))["id"])
    resting = await trader.buys(SYMBOL, 1, limit_price="300")
    await trader.call("POST", "/market/watchlists", name="mine", symbols=[SYMBOL])
    await trader.call("POST", "/users/export")
    await trader.until("/users/export", lambda export: export["ready"])
    archive = await fetched(trader)
    assert {name.removesuffix(".json") for name in archive} == SERVICES
    assert archive["auth.json"]["users"][0]["email"] == trader.email
    assert {order["id"] for order in archive["trading.json"]["orders"]} >= {bought["id"], resting["id"]}
    assert archive["market.json"]["watchlists"][0]["name"] == "mine"
    assert archive["notification.json"]["notifications"]
    assert {execution["owner_id"] for execution in archive["broker.json"]["broker_executions"]} == {trader.user_id}

    await trader.call("DELETE", "/users/me")
    await is_out(trader)
    await admin.until("/admin/erasures", lambda found: erased(found, trader.user_id))
    await assert_the_ledger_proves_itself(platform)


async def fetched(trader: Trader) -> dict[str, Any]:
    answer = await trader.http.get("/users/export/archive")
    assert answer.headers["content-type"] == "application/zip", answer.text
    packed = zipfile.ZipFile(io.BytesIO(answer.content))
    return {name: json.loads(packed.read(name)) for name in packed.namelist() if name.endswith(".json")}


async def is_out(trader: Trader) -> None:
    """Every service refuses the token within a minute."""
    async with asyncio.timeout(OUT_WITHIN_SECONDS):
        for path in ("/users/profile", "/trading/accounts", "/market/watchlists", "/notifications"):
            while (await trader.http.get(path)).status_code != httpx.codes.UNAUTHORIZED:  # noqa: ASYNC110 - another's
                await asyncio.sleep(0.2)


def erased(found: dict[str, Any], user_id: str) -> bool:
    """Whether every service says that it forgot them."""
    mine = next(each for each in found["items"] if each["user_id"] == user_id)
    assert mine["services"].keys() == SERVICES
    return all(mine["services"].values())
