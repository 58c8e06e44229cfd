"""Every public operation, asked by nobody, by a stranger and with nonsense: documented problems, and nothing half done.

The operations are read from the committed public contract, so a new route is tested the day it lands.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.platform_under_test import SYMBOL, Platform
from tools.native.layout import ROOT
from tools.people import Trader

pytestmark = [pytest.mark.stack, pytest.mark.requirement("R-38")]

OPEN_TO_ALL = {
    ("post", "/api/v1/auth/register"),
    ("post", "/api/v1/auth/login"),
    ("post", "/api/v1/auth/refresh"),
    ("post", "/api/v1/auth/logout"),
    ("get", "/.well-known/jwks.json"),
    # what a person who is not (or no longer) logged in needs
    ("post", "/api/v1/auth/email/verify"),
    ("post", "/api/v1/auth/password/forgot"),
    ("post", "/api/v1/auth/password/reset"),
    ("post", "/api/v1/auth/passkeys/login/options"),
    ("post", "/api/v1/auth/passkeys/login/verify"),
    ("get", "/api/v1/auth/oauth/providers"),
    ("get", "/api/v1/auth/oauth/{provider}/start"),
    ("get", "/api/v1/auth/oauth/{provider}/callback"),
    ("post", "/api/v1/auth/oauth/finish"),
    # an alert proves itself by the secret of its hook
    ("post", "/api/v1/hooks/tradingview/{hook_id}"),
    # charting programs read prices without a token
    *(("get", f"/api/v1/udf/{what}") for what in ("config", "symbols", "search", "history", "time")),
}
CONTRACT = ROOT / "contracts" / "openapi" / "public.json"
METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    if CONTRACT.exists():
        for path, methods in json.loads(CONTRACT.read_text())["paths"].items():
            for method, operation in methods.items():
                if method in METHODS:
                    yield method, path, operation


OPERATIONS = list(operations())
NAMES = [f"{method.upper()} {path}" for method, path, _ in OPERATIONS]
GUARDED = [operation for operation in OPERATIONS if operation[:2] not in OPEN_TO_ALL]
WITH_BODY = [operation for operation in OPERATIONS if "requestBody" in operation[2]]


def names(chosen: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    return [f"{method.upper()} {path}" for method, path, _ in chosen]


def filled(path: str, values: dict[str, str] | None = None) -> str:
    """Put ids into a path: the given ones, random ones otherwise, and a real symbol where a symbol is due."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return (values or {}).get(name) or (SYMBOL if name == "symbol" else str(uuid4()))

    return re.sub(r"\{(\w+)\}", value, path).removeprefix("/api/v1")


def required(operation: dict[str, Any]) -> dict[str, str]:
    """What has to stand in the query, each with something that may."""
    asked = [each for each in operation.get("parameters", ()) if each["in"] == "query" and each.get("required")]
    return {each["name"]: "2024-01-02" if each["schema"].get("format") == "date" else each["name"] for each in asked}


def assert_problem(answer: Any, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["code"]
    assert "Traceback" not in answer.text


@pytest.fixture(scope="module")
def token(platform: Platform) -> str:
    """The token of somebody who owns nothing: one for all rows, since signing up is slow on purpose."""

    async def sign_up() -> str:
        person = await Trader.sign_up(platform.gateway, "Park Stranger")
        await person.leave()
        return person.token

    return asyncio.run(sign_up())


def test_the_contract_names_the_operations() -> None:
    assert len(OPERATIONS) >= 40


@pytest.mark.parametrize(("method", "path", "operation"), GUARDED, ids=names(GUARDED))
async def test_without_a_token_nothing_opens(
    platform: Platform, token: str, method: str, path: str, operation: Any
) -> None:
    async with platform.gateway.client() as nobody:
        assert_problem(await nobody.request(method, filled(path)), 401)
    async with platform.gateway.client("not.a.token") as forger:
        assert_problem(await forger.request(method, filled(path)), 401)


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY, ids=names(WITH_BODY))
async def test_a_body_that_is_no_json_is_a_problem(
    platform: Platform, token: str, method: str, path: str, operation: Any
) -> None:
    headers = {"Content-Type": "application/json"}
    async with platform.gateway.client(token) as http:
        answer = await http.request(method, filled(path), content=b'{"a": ', headers=headers)
    assert_problem(answer, 403, 404, 422)


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY, ids=names(WITH_BODY))
async def test_an_oversized_body_is_refused(
    platform: Platform, token: str, method: str, path: str, operation: Any
) -> None:
    size = 65 << 20 if path.endswith("/imports") else (1 << 20) + 1
    headers = {"Content-Type": "application/json"}
    async with platform.gateway.client(token) as http:
        answer = await http.request(method, filled(path), content=b"x" * size, headers=headers)
    assert_problem(answer, 413)


@pytest.fixture
async def belongings(trader: Trader) -> dict[str, str]:
    """Things of the trader that a stranger will ask for by their true ids."""
    order = await trader.until_order((await trader.buys(SYMBOL, 1))["id"])
    alert = await trader.call("POST", "/alerts", symbol=SYMBOL, condition="price_above", value="99999")
    strategy = await trader.call("POST", "/backtest/strategies", name="mine", entry="close > 1", exit="close < 1")
    run = await trader.call("POST", "/backtest/run", strategy_id=strategy["id"], symbol=SYMBOL)
    return {
        "account_id": trader.account_id,
        "order_id": order["id"],
        "client_order_id": order["client_order_id"],
        "alert_id": alert["id"],
        "strategy_id": strategy["id"],
        "run_id": run["id"],
        "job_id": run["id"],
    }


async def test_a_strangers_things_do_not_exist(trader: Trader, stranger: Trader, belongings: dict[str, str]) -> None:
    asked = 0
    for method, path, operation in OPERATIONS:
        wanted = set(re.findall(r"\{(\w+)\}", path))
        if not wanted or not wanted <= set(belongings):
            continue
        answer = await stranger.http.request(
            method, filled(path, belongings), params=required(operation), json={} if method != "get" else None
        )
        assert_problem(answer, 404, 422)
        if method in ("get", "delete"):
            assert answer.status_code == 404, path
        asked += 1
    assert asked >= 8, "the ids' names in the contract have changed: the sweep asks nothing any more"
    for path in ("/trading/orders", "/trading/accounts", "/alerts", "/backtest/strategies", "/broker/executions"):
        assert (await stranger.call("GET", path))["items"] == [], path
    assert (await trader.call("GET", f"/alerts/{belongings['alert_id']}"))["id"] == belongings["alert_id"]
