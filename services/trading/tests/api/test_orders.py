"""Orders over HTTP: what is answered, what is kept, and what a second try gets."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from kit.clock import now
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from redis.asyncio import Redis
from trading.app import create_app
from trading.config import Settings

from services.trading.tests.api.conftest import Trader, publish
from services.trading.tests.conftest import Caller

NOTHING_LISTENS = "redis://:x@127.0.0.1:9/0"


def bearer(tokens: Tokens, claims: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.sign(claims)}"}


NO_ORDERS: list[tuple[dict[str, Any], str]] = [
    ({"quantity": "0"}, "quantity"),
    ({"quantity": "-1"}, "quantity"),
    ({"quantity": "NaN"}, "quantity"),
    ({"quantity": "Infinity"}, "quantity"),
    ({"quantity": 1.5}, "quantity"),
    ({"quantity": str(2**63)}, "quantity"),
    ({"quantity": "1e400000"}, "quantity"),
    ({"quantity": None}, "quantity"),
    ({"limit_price": "0.000000001"}, "limit_price"),
    ({"limit_price": None}, "body"),
    ({"order_type": "market"}, "body"),
    ({"stop_price": "1"}, "body"),
    ({"venue": "US"}, "body"),
    ({"venue": "NYSE"}, "venue"),
    ({"oco_stop_limit_price": "57000"}, "body"),
    ({"oco_stop_price": "56100"}, "body"),
    ({"oco_stop_price": "57000", "stop_loss_price": "50000"}, "body"),
    ({"oco_stop_price": "57000", "side": "sell"}, "body"),
    ({"oco_stop_price": "57000", "order_type": "market", "limit_price": None}, "body"),
    ({"side": "short"}, "side"),
    ({"client_order_id": "a b"}, "client_order_id"),
    ({"client_order_id": "x" * 65}, "client_order_id"),
    ({"client_order_id": ""}, "client_order_id"),
    ({"symbol": "삼성전자"}, "symbol"),
    ({"symbol": "x" * 100}, "symbol"),
    ({"account_id": "1"}, "account_id"),
    ({"owner_id": str(new_id())}, "owner_id"),
]
BAD_QUOTES: list[tuple[dict[str, Any], str]] = [
    ({"timestamp": "2020-01-01T00:00:00Z"}, "stale_quote"),
    ({"timestamp": now() + timedelta(hours=1)}, "stale_quote"),
    ({"session": "closed"}, "market_closed"),
    ({"upper_limit": None}, "stale_quote"),
    ({"price": "-1"}, "stale_quote"),
    ({"symbol": "000660"}, "stale_quote"),
    ({"trading_date": "yesterday"}, "stale_quote"),
]
BAD_CURSORS = ["x", "WzFd", "WyJ4Il0", "WyJ4IiwieCJd", "WyIyMDI0LTAxLTAxIiwieCJd"]


class TestPlacing:
    async def test_an_order_is_answered_as_the_contract_shows_it(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        body = trader.order(account, f"KRX:{symbol}", client_order_id="my-1", stop_price=None, venue="KRX")
        answer = await trader.caller.post("/trading/orders", body)
        assert answer.status_code == 201
        order = answer.json()
        expected = {
            "account_id": str(account),
            "client_order_id": "my-1",
            "symbol": symbol,
            "status": "submitted",
            "quantity": "10",
            "filled_quantity": "0",
            "remaining_quantity": "10",
            "average_price": None,
            "limit_price": "56100",
            "stop_price": None,
            "venue": "KRX",
            "market": "KRX",
            "currency": "KRW",
            "fee": "0",
            "tax": "0",
            "reason": None,
            "detail": None,
        }
        assert expected.items() <= order.items()
        assert order["created_at"].endswith("Z")
        assert (await trader.caller.get(f"/trading/orders/{order['id']}")).json() == order
        assert (await trader.caller.get("/trading/orders/by-client-id/my-1")).json() == order

    @pytest.mark.requirement("R-48")
    async def test_what_the_operator_allows_stands_in_the_token_and_counts(
        self, trader: Trader, symbol: str, tokens: Tokens
    ) -> None:
        accounts = [await trader.opens() for _ in range(2)]
        claims = tokens.claims(trader.caller.id)
        once = replace(trader.caller, headers=bearer(tokens, claims | {"lim": {"daily_trades": 1}}))
        statuses = []
        for account in accounts:
            answer = await once.post("/trading/orders", trader.order(account, symbol))
            statuses.append((answer.status_code, answer.json().get("code")))
        assert statuses == [(201, None), (422, "daily_trade_limit")], "over all accounts"
        nothing = replace(trader.caller, headers=bearer(tokens, claims | {"perm": ""}))
        for path, body in (
            ("/trading/orders", trader.order(accounts[0], symbol)),
            ("/trading/orders/preview", trader.order(accounts[0], symbol)),
            ("/trading/accounts", {"name": "x", "kind": "paper", "currency": "KRW", "initial_cash": "1"}),
        ):
            assert (await nothing.post(path, body)).status_code == 403, path

    async def test_a_denial_is_an_error_whose_order_is_kept(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens(cash="1000")
        answer = await trader.caller.post("/trading/orders", trader.order(account, symbol))
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "insufficient_cash")
        assert answer.headers["content-type"] == "application/problem+json"
        kept = (await trader.caller.get(f"/trading/orders/{problem['order_id']}")).json()
        assert (kept["status"], kept["reason"], kept["detail"]) == ("denied", "insufficient_cash", problem["detail"])

    @pytest.mark.requirement("R-1")
    async def test_the_same_order_again_is_answered_200_and_marked(self, trader: Trader, symbol: str) -> None:
        body = trader.order(await trader.opens(), symbol)
        first = await trader.caller.post("/trading/orders", body)
        again = await trader.caller.post("/trading/orders", body)
        assert (first.status_code, again.status_code) == (201, 200)
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == first.json()
        other = await trader.caller.post("/trading/orders", body | {"quantity": "11"})
        assert (other.status_code, other.json()["code"]) == (409, "client_order_id_reused")

    @pytest.mark.requirement("R-1")
    async def test_a_denial_again_is_the_same_denial(self, trader: Trader, symbol: str) -> None:
        body = trader.order(await trader.opens(cash="1"), symbol)
        first, again = [await trader.caller.post("/trading/orders", body) for _ in range(2)]
        assert again.status_code == 422
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json()["order_id"] == first.json()["order_id"]

    @pytest.mark.requirement("R-1")
    async def test_a_hundred_equal_posts_at_once_make_one_order(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        body = trader.order(account, symbol)
        answers = await asyncio.gather(*(trader.caller.post("/trading/orders", body) for _ in range(100)))
        told = [answer for answer in answers if answer.status_code != 503]  # a busy database lets some come again
        again = await trader.caller.post("/trading/orders", body)
        assert sorted(answer.status_code for answer in (*told, again)) == [200] * len(told) + [201]
        assert len({answer.text for answer in (*told, again)}) == 1
        balance = (await trader.caller.get(f"/trading/accounts/{account}/balance")).json()["items"][0]
        assert balance["held"] == "561084"

    async def test_without_a_client_id_each_post_is_an_order(self, trader: Trader, symbol: str) -> None:
        body = trader.order(await trader.opens(), symbol)
        del body["client_order_id"]
        first, second = [await trader.caller.post("/trading/orders", body | {"quantity": count}) for count in "12"]
        assert first.json()["id"] != second.json()["id"]
        assert first.json()["client_order_id"] == first.json()["id"]
        twice = await trader.caller.post("/trading/orders", body | {"quantity": "2"})
        assert (twice.status_code, twice.json()["code"]) == (422, "duplicate_order")

    @pytest.mark.requirement("R-8")
    async def test_what_cannot_be_an_order_is_refused_with_the_field_named(self, trader: Trader) -> None:
        for changes, field in NO_ORDERS:
            answer = await trader.caller.post("/trading/orders", trader.order(new_id(), "005930", **changes))
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), changes
            assert [error["field"] for error in answer.json()["errors"]] == [field], changes

    async def test_an_oversized_body_is_refused(self, trader: Trader) -> None:
        answer = await trader.caller.post("/trading/orders", {"symbol": "x" * (1 << 20)})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    async def test_a_body_that_is_no_json_is_refused(self, trader: Trader) -> None:
        headers = {**trader.caller.headers, "content-type": "application/json"}
        answer = await trader.caller.api.post("/api/v1/trading/orders", headers=headers, content=b'{"side": buy}')
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["errors"] == [
            {"field": "body", "message": "is no JSON: Expecting value at character 9", "code": "json_invalid"}
        ]


class TestQuotes:
    @pytest.mark.requirement("R-8")
    async def test_a_quote_that_cannot_be_trusted_is_no_quote(
        self, trader: Trader, redis: "Redis", symbol: str
    ) -> None:
        account = await trader.opens()
        for changes, reason in BAD_QUOTES:
            await publish(redis, symbol, **changes)
            answer = await trader.caller.post("/trading/orders", trader.order(account, symbol))
            assert (answer.status_code, answer.json()["code"]) == (422, reason), changes

    async def test_without_redis_orders_are_denied_and_the_service_stays_ready(
        self, settings: Settings, fresh: TestDatabase, tokens: Tokens
    ) -> None:
        blind = settings.model_copy(update={"redis_url": type(settings.redis_url)(NOTHING_LISTENS)})
        user = new_id()
        headers = {"Authorization": f"Bearer {tokens.for_user(user)}"}
        async with client(create_app(blind, tokens.verifier)) as api:
            trader = Trader(Caller(user, api, headers))
            account = await trader.opens()
            answer = await trader.caller.post("/trading/orders", trader.order(account, "005930"))
            assert (answer.status_code, answer.json()["code"]) == (422, "stale_quote")
            assert (await api.get("/health/ready")).status_code == 200
            assert (await trader.caller.get("/portfolio/summary")).status_code == 200


class TestPreview:
    async def test_it_tells_the_cost_and_stores_nothing(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        answer = await trader.caller.post("/trading/orders/preview", trader.order(account, symbol))
        assert answer.status_code == 200
        assert answer.json() == {
            "verdict": "approved",
            "currency": "KRW",
            "reason": None,
            "detail": None,
            "estimate": {"price": "56100", "value": "561000", "fee": "84", "tax": "0", "hold": "561084"},
        }
        assert (await trader.caller.get("/trading/orders")).json()["items"] == []
        balance = (await trader.caller.get(f"/trading/accounts/{account}/balance")).json()["items"][0]
        assert balance["held"] == "0"

    async def test_it_tells_why_an_order_would_be_denied(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens(cash="1")
        preview = (await trader.caller.post("/trading/orders/preview", trader.order(account, symbol))).json()
        assert (preview["verdict"], preview["reason"], preview["estimate"]) == ("denied", "insufficient_cash", None)


class TestLists:
    async def test_pages_hold_every_order_once_newest_first(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        made = []
        for _ in range(5):
            body = trader.order(account, symbol, quantity="1")
            made.append((await trader.caller.post("/trading/orders", body)).json()["id"])
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await trader.caller.get("/trading/orders", limit=2, **cursor)).json()
            seen += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == made[::-1]

    async def test_filters_narrow_the_list(self, trader: Trader, symbol: str) -> None:
        first, second = await trader.opens(), await trader.opens(cash="1")
        for account in (first, second):
            await trader.caller.post("/trading/orders", trader.order(account, symbol))
        for wanted, count in (
            ({}, 2),
            ({"account_id": first}, 1),
            ({"status": "denied"}, 1),
            ({"symbol": f"{symbol}.KS"}, 2),
            ({"symbol": "AAPL"}, 0),
            ({"account_id": second, "status": "submitted"}, 0),
        ):
            page = (await trader.caller.get("/trading/orders", **wanted)).json()  # type: ignore[arg-type]
            assert len(page["items"]) == count, wanted

    async def test_a_made_up_cursor_is_refused(self, trader: Trader) -> None:
        for path in ("/trading/orders", "/trading/accounts", "/trading/executions", "/trading/positions"):
            for cursor in BAD_CURSORS:
                answer = await trader.caller.get(path, cursor=cursor)
                assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), (path, cursor)


class TestCancel:
    async def test_it_is_accepted_and_pending(self, trader: Trader, symbol: str) -> None:
        body = trader.order(await trader.opens(), symbol)
        order = (await trader.caller.post("/trading/orders", body)).json()
        for _ in range(2):
            answer = await trader.caller.delete(f"/trading/orders/{order['id']}")
            assert (answer.status_code, answer.json()["status"]) == (202, "pending_cancel")

    async def test_a_denied_order_is_not_open(self, trader: Trader, symbol: str) -> None:
        body = trader.order(await trader.opens(cash="1"), symbol)
        denied = (await trader.caller.post("/trading/orders", body)).json()["order_id"]
        answer = await trader.caller.delete(f"/trading/orders/{denied}")
        assert (answer.status_code, answer.json()["code"]) == (409, "order_not_open")


async def test_an_order_knows_the_trace_of_who_placed_it_whoever_asks_later(trader: Trader, symbol: str) -> None:
    body = trader.order(await trader.opens(), symbol)
    placed = await trader.caller.post("/trading/orders", body)
    assert placed.json()["trace_id"] == placed.headers["x-trace-id"]
    again, later = await trader.caller.post("/trading/orders", body), await trader.caller.get("/trading/orders")
    assert again.headers["x-trace-id"] != placed.headers["x-trace-id"]
    assert {each["trace_id"] for each in (again.json(), *later.json()["items"])} == {placed.headers["x-trace-id"]}
