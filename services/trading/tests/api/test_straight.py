"""The straight way and the ordinary one give the same answers to the same requests."""

import json
from typing import Any

import httpx
import pytest

from services.trading.tests.api.conftest import Trader
from services.trading.tests.conftest import People

PATH = "/api/v1/trading/orders"
STRAIGHT, ORDINARY = "application/json", "application/json; charset=utf-8"
EACH_TIME_ANOTHER = ("id", "client_order_id", "created_at", "updated_at", "request_id", "trace_id", "order_id")
LENGTHS = ("content-length", "x-request-id", "x-trace-id", "date")


async def ask(trader: Trader, body: Any, kind: str, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await trader.caller.api.post(
        PATH, content=content, headers={**trader.caller.headers, "content-type": kind, **headers}
    )


def said(answer: httpx.Response) -> tuple[Any, ...]:
    """What an answer says, but for what is each time another."""
    body = answer.json()
    if "order" in body:
        body["order"] = sorted(body["order"])
    told = [(name, None if name in EACH_TIME_ANOTHER else value) for name, value in body.items()]
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in LENGTHS)
    return answer.status_code, told, headers


async def test_orders_are_answered_alike_on_both_ways(trader: Trader, symbol: str) -> None:
    account = await trader.opens()
    bodies = {
        "a limit": trader.order(account, symbol, quantity="1"),
        "a denied one": trader.order(account, symbol, quantity="1000000"),
        "a stop": trader.order(account, symbol, quantity="1", order_type="stop", stop_price="60000", limit_price=None),
        "no account": trader.order("01a21b28-3f65-7fee-9a63-a98317b7f6a5", symbol),
        "a word for a number": trader.order(account, symbol, quantity="many"),
        "an unknown field": {**trader.order(account, symbol), "owner_id": "x"},
        "a list": [],
        "no JSON": b"{",
        "too deep": b"[" * 100_000,
    }
    for what, body in bodies.items():
        answers = []
        for number, kind in enumerate((STRAIGHT, ORDINARY)):
            given = (
                {**body, "client_order_id": f"{what.replace(' ', '-')}-{number}"} if isinstance(body, dict) else body
            )
            answers.append(said(await ask(trader, given, kind)))
        assert answers[0] == answers[1], what


async def test_an_order_is_replayed_on_the_way_it_did_not_come(trader: Trader, symbol: str) -> None:
    account = await trader.opens()
    for first, second in ((STRAIGHT, ORDINARY), (ORDINARY, STRAIGHT)):
        body = {**trader.order(account, symbol, quantity="1"), "client_order_id": f"twice-{len(first)}"}
        placed, again = await ask(trader, body, first), await ask(trader, body, second)
        assert (placed.status_code, again.status_code) == (201, 200)
        assert placed.content == again.content
        assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.requirement("R-1")
async def test_a_key_holds_on_both_ways(trader: Trader, symbol: str) -> None:
    account = await trader.opens()
    body = {**trader.order(account, symbol, quantity="1"), "client_order_id": "by-key"}
    placed = await ask(trader, body, STRAIGHT, **{"Idempotency-Key": "k-1"})
    again = await ask(trader, body, ORDINARY, **{"Idempotency-Key": "k-1"})
    changed = {**body, "quantity": "2"}
    for kind in (STRAIGHT, ORDINARY):
        reused = await ask(trader, changed, kind, **{"Idempotency-Key": "k-1"})
        assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert (placed.status_code, again.status_code, again.content) == (201, 201, placed.content)
    assert (await ask(trader, body, STRAIGHT, **{"Idempotency-Key": "\t"})).status_code == 422


async def test_who_may_not_is_told_so_on_both_ways(people: People, trader: Trader, symbol: str) -> None:
    account = await trader.opens()
    body = trader.order(account, symbol, quantity="1")
    for bearer in ("Bearer x", "Bearer ", "Bearer", "Basic abc"):
        answers = [
            said(await people.nobody().post(PATH, json=body, headers={"authorization": bearer, "content-type": kind}))
            for kind in (STRAIGHT, ORDINARY)
        ]
        assert answers[0] == answers[1], bearer
        assert answers[0][0] == 401
