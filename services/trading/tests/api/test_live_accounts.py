"""Real money at the API: the operator's switch, the permission and a fresh proof, each asked for in its own words."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from kit.db import Database
from kit.ids import new_id
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from trading.app import create_app
from trading.config import Settings
from trading.domain.account import Connection
from trading.store import connections

from services.trading.tests.conftest import Caller

PATH = "/trading/accounts"


@pytest_asyncio.fixture
async def live_api(settings: Settings, tokens: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The application of an operator who has switched real money on."""
    async with client(create_app(settings.model_copy(update={"live_allowed": True}), tokens.verifier)) as opened:
        yield opened


def somebody(api: httpx.AsyncClient, tokens: Tokens, permissions: str = "paper real", hours_ago: int = 0) -> Caller:
    user_id = new_id()
    claims = tokens.claims(user_id)
    token = tokens.sign(claims | {"perm": permissions, "auth_time": claims["auth_time"] - 3600 * hours_ago})
    return Caller(user_id, api, {"Authorization": f"Bearer {token}"})


async def a_connection(database: Database, owner: UUID, environment: Any = "real") -> str:
    connection = Connection(id=new_id(), broker="alpaca", environment=environment)
    async with database.owned(owner) as session:
        await connections.save(session, owner, connection)
    return str(connection.id)


def a_body(connection: str | None, **changes: Any) -> dict[str, Any]:
    return {"name": "실전", "kind": "live", "currency": "USD", "connection_id": connection} | changes


async def test_with_switch_permission_and_proof_it_opens_empty_and_takes_no_money_from_here(
    live_api: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    person = somebody(live_api, tokens)
    answer = await person.post(PATH, a_body(await a_connection(database, person.id)))
    assert answer.status_code == 201, answer.text
    account = answer.json()
    assert (account["kind"], account["broker"]) == ("live", "alpaca")
    balances = (await person.get(f"{PATH}/{account['id']}/balance")).json()["items"]
    assert [balance["cash"] for balance in balances] == ["0"]
    for act in ("deposits", "withdrawals"):
        refused = await person.post(f"{PATH}/{account['id']}/{act}", {"currency": "USD", "amount": "5"})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_paper")
        assert "broker" in refused.json()["detail"]
    assert (await person.post(f"{PATH}/{account['id']}/reset", {})).json()["code"] == "not_paper"


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        ({"permissions": "paper"}, (422, "live_not_permitted", "ask the operator for the permission")),
        ({"hours_ago": 1}, (403, "step_up_required", "step-up")),
    ],
)
async def test_without_permission_or_proof_no_live_account_opens(
    live_api: httpx.AsyncClient,
    tokens: Tokens,
    database: Database,
    token: dict[str, Any],
    refusal: tuple[int, str, str],
) -> None:
    person = somebody(live_api, tokens, **token)
    answer = await person.post(PATH, a_body(await a_connection(database, person.id)))
    assert (answer.status_code, answer.json()["code"]) == refusal[:2]
    assert refusal[2] in answer.json()["detail"]
    assert (await person.get(PATH)).json()["items"] == []


@pytest.mark.requirement("R-48")
async def test_without_the_operators_switch_nobody_opens_one_and_is_told_whose_it_is(
    api: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    person = somebody(api, tokens)
    answer = await person.post(PATH, a_body(await a_connection(database, person.id)))
    assert (answer.status_code, answer.json()["code"]) == (422, "live_not_permitted")
    assert "TRADING_LIVE_ALLOWED" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("environment", "changes"),
    [("paper", {}), ("real", {"kind": "paper"}), ("real", {"initial_cash": "100"}), (None, {})],
)
async def test_paper_and_real_are_never_mixed(
    live_api: httpx.AsyncClient, tokens: Tokens, database: Database, environment: str | None, changes: dict[str, Any]
) -> None:
    person = somebody(live_api, tokens)
    connection = None if environment is None else await a_connection(database, person.id, environment)
    answer = await person.post(PATH, a_body(connection, **changes))
    assert (answer.status_code, answer.json()["code"]) == (422, "live_not_permitted"), answer.text


async def test_an_automation_starts_with_real_money_only_after_a_fresh_proof(
    live_api: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    person = somebody(live_api, tokens)
    account = (await person.post(PATH, a_body(await a_connection(database, person.id)))).json()["id"]
    body = {"name": "hook", "account_id": account, "symbols": ["AAPL"], "capital": "1000", "interval": "1m"}
    made = await person.post("/trading/automations", body)
    assert made.status_code == 201, made.text
    start = f"/trading/automations/{made.json()['id']}/start"
    claims = tokens.claims(person.id) | {"perm": "paper real"}
    stale = tokens.sign(claims | {"auth_time": claims["auth_time"] - 3600})
    without = tokens.sign(claims | {"perm": "paper"})
    for token, code in ((stale, "step_up_required"), (without, "live_not_permitted")):
        caller = replace(person, headers={"Authorization": f"Bearer {token}"})
        assert (await caller.post(start, {})).json()["code"] == code
    started = await person.post(start, {})
    assert (started.status_code, started.json()["status"]) == (200, "running"), started.text
