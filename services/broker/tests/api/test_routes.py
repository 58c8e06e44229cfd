"""Who may read what: anonymous, stranger, owner; and what a bad cursor gets."""

from collections.abc import Sequence

import httpx
import pytest
from broker.app import create_app
from broker.config import Settings
from fastapi import FastAPI
from kit.ids import new_id
from kit.pagination import encode_cursor
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens

from services.broker.tests.builders import an_order
from services.broker.tests.floor import Floor

ROUTES = ("/api/v1/broker/brokers", "/api/v1/broker/executions")


@pytest.fixture
def app(settings: Settings, tokens: Tokens) -> FastAPI:
    return create_app(settings, tokens.verifier)


async def get(app: FastAPI, path: str, token: str | None = None) -> httpx.Response:
    async with client(app, token) as http:
        return await http.get(path)


@pytest.mark.parametrize("path", ROUTES)
async def test_the_anonymous_are_turned_away(app: FastAPI, path: str) -> None:
    answer = await get(app, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


@pytest.mark.parametrize("path", ROUTES)
async def test_another_method_is_a_problem_document(app: FastAPI, tokens: Tokens, path: str) -> None:
    async with client(app, tokens.for_user(new_id())) as http:
        answer = await http.post(path, content=b"{")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_every_broker_publishes_what_it_can_do(app: FastAPI, tokens: Tokens) -> None:
    answer = await get(app, "/api/v1/broker/brokers", tokens.for_user(new_id()))
    brokers = {item["broker"]: item for item in answer.json()["items"]}
    assert list(brokers) == ["simulator", "kis", "kis_us", "ls", "kiwoom", "alpaca"]
    simulator = brokers["simulator"]
    assert simulator["order_types"] == ["limit", "market"]
    assert simulator["account_kinds"] == ["paper"]
    assert {item["environment"] for item in brokers.values()} == {"paper"}, "nobody switched real money on"
    assert (brokers["ls"]["venues"], brokers["ls"]["unconfirmed_venues"]) == (["KRX"], ["NXT"])
    assert [name for name, item in brokers.items() if item["takes_client_ids"]] == ["simulator", "alpaca"]


async def test_once_the_operator_allows_it_what_takes_real_money_is_published_as_well(
    settings: Settings, tokens: Tokens
) -> None:
    app = create_app(settings.model_copy(update={"live_allowed": True}), tokens.verifier)
    answer = await get(app, "/api/v1/broker/brokers", tokens.for_user(new_id()))
    real = {item["broker"]: item["venues"] for item in answer.json()["items"] if item["environment"] == "real"}
    assert real == {"kis": ["KRX", "NXT", "SOR"], "kis_us": ["US"], "kiwoom": ["KRX", "NXT", "SOR"], "alpaca": ["US"]}


async def test_an_owner_sees_every_execution_once_over_all_pages_and_a_stranger_none(
    app: FastAPI, tokens: Tokens, floor: Floor
) -> None:
    await floor.tape.quotes()
    owner = new_id()
    orders = [an_order(floor.tape.symbol, owner=owner, quantity=str(number)) for number in (1, 2, 3)]
    for order in orders:
        await floor.submit(order)
    seen: list[str] = []
    path = "/api/v1/broker/executions?limit=2"
    async with client(app, tokens.for_user(owner)) as http:
        page = (await http.get(path)).json()
        seen += _quantities(page["items"])
        page = (await http.get(f"{path}&cursor={page['next_cursor']}")).json()
        seen += _quantities(page["items"])
    assert seen == ["3", "2", "1"], "newest first"
    assert page["next_cursor"] is None
    assert page["items"][0]["order_id"] == str(orders[0].order_id)
    stranger = await get(app, path, tokens.for_user(new_id()))
    assert stranger.json() == {"items": [], "next_cursor": None}


def _quantities(items: Sequence[dict[str, str]]) -> list[str]:
    return [item["quantity"] for item in items]


@pytest.mark.parametrize("cursor", ["nonsense", encode_cursor("text"), encode_cursor(0), encode_cursor(2**63)])
async def test_a_cursor_we_never_handed_out_is_refused(app: FastAPI, tokens: Tokens, cursor: str) -> None:
    answer = await get(app, f"/api/v1/broker/executions?cursor={cursor}", tokens.for_user(new_id()))
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize("limit", ["0", "501", "many"])
async def test_a_page_size_out_of_bounds_is_refused(app: FastAPI, tokens: Tokens, limit: str) -> None:
    answer = await get(app, f"/api/v1/broker/executions?limit={limit}", tokens.for_user(new_id()))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
