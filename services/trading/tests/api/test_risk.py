"""Limits, the kill switch, replacing and closing over HTTP, and what a key sent twice gets."""

import asyncio
from datetime import timedelta

import pytest
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from redis.asyncio import Redis
from sqlalchemy import text
from trading.app import create_app
from trading.config import Settings

from services.trading.tests.api.conftest import Trader
from services.trading.tests.conftest import Caller

NOTHING_LISTENS = "redis://:x@127.0.0.1:9/0"
ACCEPT = text("UPDATE orders SET status = 'accepted' WHERE owner_id = :owner")


async def accepted_by_the_broker(database: Database, trader: Trader) -> None:
    async with database.system() as session:
        await session.execute(ACCEPT, {"owner": trader.caller.id})


class TestIdempotencyKey:
    @pytest.mark.requirement("R-1")
    async def test_a_hundred_equal_posts_make_one_order_and_one_answer(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        body = trader.order(account, symbol)
        del body["client_order_id"]
        answers = await asyncio.gather(*(trader.posts_with_key("k-1", "/trading/orders", body) for _ in range(100)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        again = await trader.posts_with_key("k-1", "/trading/orders", body)
        first = next(answer for answer in answers if answer.status_code == 201)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert len((await trader.caller.get("/trading/orders")).json()["items"]) == 1
        balance = (await trader.caller.get(f"/trading/accounts/{account}/balance")).json()["items"][0]
        assert balance["held"] == "561084"

    @pytest.mark.requirement("R-1")
    async def test_a_denial_is_kept_and_replayed(self, trader: Trader, symbol: str) -> None:
        body = trader.order(await trader.opens(cash="1"), symbol)
        first, again = [await trader.posts_with_key("k-2", "/trading/orders", body) for _ in range(2)]
        assert (first.status_code, again.status_code, again.content) == (422, 422, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        other = await trader.posts_with_key("k-2", "/trading/orders", body | {"quantity": "1"})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    @pytest.mark.requirement("R-1")
    async def test_a_deposit_sent_twice_arrives_once(self, trader: Trader) -> None:
        account = await trader.opens()
        path, body = f"/trading/accounts/{account}/deposits", {"amount": "1000"}
        for _ in range(2):
            answer = await trader.posts_with_key("k-3", path, body)
            assert (answer.status_code, answer.json()["cash"]) == (201, "10001000")
        assert (await trader.caller.get(f"/trading/accounts/{account}/balance")).json()["items"][0][
            "cash"
        ] == "10001000"


class TestReplacing:
    async def test_it_is_pending_until_the_broker_answers(
        self, trader: Trader, symbol: str, database: Database
    ) -> None:
        placed = await trader.caller.post("/trading/orders", trader.order(await trader.opens(), symbol))
        order = placed.json()["id"]
        early = await trader.caller.patch(f"/trading/orders/{order}", {"quantity": "12"})
        assert (early.status_code, early.json()["code"]) == (409, "order_not_replaceable")
        await accepted_by_the_broker(database, trader)
        answer = await trader.caller.patch(f"/trading/orders/{order}", {"quantity": "12", "limit_price": "56200"})
        shown = answer.json()
        assert (answer.status_code, shown["status"], shown["quantity"]) == (202, "pending_replace", "10")
        assert (shown["replace_quantity"], shown["replace_limit_price"]) == ("12", "56200")

    async def test_bad_terms_and_strangers_are_refused(self, trader: Trader, symbol: str, database: Database) -> None:
        placed = await trader.caller.post("/trading/orders", trader.order(await trader.opens(), symbol))
        path = f"/trading/orders/{placed.json()['id']}"
        await accepted_by_the_broker(database, trader)
        for body, code in (
            ({}, "invalid_request"),
            ({"quantity": "NaN"}, "invalid_request"),
            ({"limit_price": "56150"}, "price_off_tick"),
            ({"quantity": "1000"}, "insufficient_cash"),
            ({"stop_price": "56000"}, "replacement_invalid"),
        ):
            answer = await trader.caller.patch(path, body)
            assert (answer.status_code, answer.json()["code"]) == (422, code), body
        assert (await trader.caller.patch(f"/trading/orders/{new_id()}", {"quantity": "1"})).status_code == 404
        assert (await trader.caller.get(path)).json()["status"] == "accepted"


class TestStops:
    async def test_they_are_placed_held_and_canceled_at_once(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        terms = {"order_type": "stop", "limit_price": None, "stop_price": "57000"}
        answer = await trader.caller.post("/trading/orders", trader.order(account, symbol, **terms))
        assert (answer.status_code, answer.json()["status"]) == (201, "held")
        gone = await trader.caller.delete(f"/trading/orders/{answer.json()['id']}")
        assert (gone.status_code, gone.json()["status"]) == (200, "canceled")

    async def test_terms_that_make_no_sense_are_refused(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        for terms in (
            {"order_type": "stop", "limit_price": None},
            {"order_type": "stop_limit", "stop_price": "57000", "limit_price": None},
            {"order_type": "trailing_stop", "limit_price": None},
            {"order_type": "trailing_stop", "limit_price": None, "trail_amount": "100", "trail_percent": "1"},
            {"order_type": "trailing_stop", "limit_price": None, "trail_percent": "51"},
            {"trail_amount": "100"},
            {"take_profit_price": "50000", "stop_loss_price": "51000"},
            {"stop_loss_limit_price": "50000"},
            {"order_type": "stop", "stop_price": "57000", "limit_price": None, "take_profit_price": "60000"},
        ):
            answer = await trader.caller.post("/trading/orders", trader.order(account, symbol, **terms))
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), terms


class TestLimits:
    async def test_they_are_shown_set_and_felt(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        path = f"/trading/risk-limits?account_id={account}"
        assert (await trader.caller.get(path)).json()["limits"]["order_quantity_max"] is None
        body = {"account_id": str(account), "order_quantity_max": "5", "restricted_symbols": ["KRX:000660"]}
        answer = await trader.caller.put("/trading/risk-limits", body)
        assert (answer.status_code, answer.json()["pending"]) == (200, None)
        shown = (await trader.caller.get(path)).json()["limits"]
        assert (shown["order_quantity_max"], shown["restricted_symbols"]) == ("5", ["000660"])
        denied = await trader.caller.post("/trading/orders", trader.order(account, symbol))
        assert (denied.status_code, denied.json()["code"]) == (422, "fat_finger_quantity")

    async def test_loosening_without_fresh_proof_waits_a_day(self, trader: Trader, tokens: Tokens) -> None:
        account = await trader.opens()
        body = {"account_id": str(account)}
        await trader.caller.put("/trading/risk-limits", body | {"open_orders_max": 5})
        stale = trader.caller.of_an_hour_ago(tokens)
        answer = (await stale.put("/trading/risk-limits", body | {"open_orders_max": 9})).json()
        assert (answer["limits"]["open_orders_max"], answer["pending"]["limits"]["open_orders_max"]) == (5, 9)
        tighter = (await stale.put("/trading/risk-limits", body | {"open_orders_max": 4})).json()
        assert (tighter["limits"]["open_orders_max"], tighter["pending"]) == (4, None)

    async def test_numbers_that_are_none_and_strangers_accounts_are_refused(self, trader: Trader) -> None:
        for value in ("NaN", "Infinity", "-1", 1.5, str(2**63)):
            answer = await trader.caller.put("/trading/risk-limits", {"order_value_max": value})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), value
        for answer in (
            await trader.caller.put("/trading/risk-limits", {"account_id": str(new_id())}),
            await trader.caller.get(f"/trading/risk-limits?account_id={new_id()}"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")


class TestKillSwitch:
    @pytest.mark.requirement("R-10")
    async def test_it_works_without_the_bus_and_without_redis(
        self, settings: Settings, fresh: TestDatabase, tokens: Tokens, trader: Trader, symbol: str
    ) -> None:
        """Nothing listens where this service looks for Redis, and it has no connection to the bus at all."""
        account = await trader.opens()
        order = (await trader.caller.post("/trading/orders", trader.order(account, symbol))).json()["id"]
        alone = settings.model_copy(update={"redis_url": type(settings.redis_url)(NOTHING_LISTENS)})
        async with client(create_app(alone, tokens.verifier)) as api:
            caller = Caller(trader.caller.id, api, trader.caller.headers)
            halted = await caller.post("/trading/halt", {"level": "account", "account_id": str(account)})
            assert (halted.status_code, halted.json()) == (200, {"withdrawn": "1"})
        assert (await trader.caller.get(f"/trading/orders/{order}")).json()["status"] == "pending_cancel"
        denied = await trader.caller.post("/trading/orders", trader.order(account, symbol))
        assert (denied.status_code, denied.json()["code"]) == (422, "trading_halted")
        assert (await trader.caller.get(f"/trading/accounts/{account}")).json()["trading_halted"] is True

    @pytest.mark.requirement("R-10")
    async def test_resuming_needs_fresh_proof(self, trader: Trader, symbol: str, tokens: Tokens) -> None:
        account = await trader.opens()
        await trader.caller.post("/trading/halt", {})
        assert (await trader.caller.get("/trading/halts")).json()["items"][0]["level"] == "user"
        stale = trader.caller.of_an_hour_ago(tokens)
        refused = await stale.post("/trading/resume", {})
        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
        assert (await trader.caller.post("/trading/resume", {})).json() == {"items": []}
        assert (await trader.caller.post("/trading/orders", trader.order(account, symbol))).status_code == 201
        twice = await trader.caller.post("/trading/resume", {})
        assert (twice.status_code, twice.json()["code"]) == (409, "not_halted")

    @pytest.mark.requirement("R-10")
    async def test_only_an_administrator_halts_everybody_and_not_for_a_moment(
        self, trader: Trader, symbol: str, tokens: Tokens
    ) -> None:
        account = await trader.opens()
        assert (await trader.caller.post("/trading/halt", {"level": "global"})).status_code == 403
        admin = trader.caller.as_admin(tokens)
        assert (await admin.post("/trading/halt", {"level": "global", "reason": "a test"})).status_code == 200
        denied = await trader.caller.post("/trading/orders", trader.order(account, symbol))
        assert denied.json()["code"] == "trading_halted"
        early = await admin.post("/trading/resume", {"level": "global"})
        assert (early.status_code, early.json()["code"]) == (409, "cooling_off")

    async def test_a_switch_of_nothing_is_refused(self, trader: Trader) -> None:
        for body in ({"level": "account"}, {"level": "user", "account_id": str(new_id())}, {"mode": "sideways"}):
            assert (await trader.caller.post("/trading/halt", body)).status_code == 422
        gone = await trader.caller.post("/trading/halt", {"level": "account", "account_id": str(new_id())})
        assert gone.status_code == 404


class TestClosing:
    async def test_what_is_not_there_cannot_be_closed(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        answer = await trader.caller.post(f"/trading/positions/{symbol}/close", {"account_id": str(account)})
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_close")
        stranger = await trader.caller.post(f"/trading/positions/{symbol}/close", {"account_id": str(new_id())})
        assert stranger.status_code == 404

    async def test_everything_open_is_canceled_by_one_request(
        self, trader: Trader, symbol: str, redis: "Redis"
    ) -> None:
        account = await trader.opens()
        for quantity in "123":
            await trader.caller.post("/trading/orders", trader.order(account, symbol, quantity=quantity))
        answer = await trader.caller.delete(f"/trading/orders?account_id={account}")
        assert (answer.status_code, len(answer.json()["order_ids"])) == (202, 3)
        pending = await trader.caller.get("/trading/orders", status="pending_cancel")
        assert len(pending.json()["items"]) == 3
        assert (await trader.caller.delete(f"/trading/orders?account_id={new_id()}")).status_code == 404

    async def test_lists_are_narrowed_by_time(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        await trader.caller.post("/trading/orders", trader.order(account, symbol))
        soon = (now() + timedelta(minutes=1)).isoformat()
        for path in ("/trading/orders", "/trading/history"):
            assert (await trader.caller.get(path, **{"from": soon})).json()["items"] == []
        assert len((await trader.caller.get("/trading/orders", to=soon)).json()["items"]) == 1
        assert (await trader.caller.get("/trading/orders", **{"from": "yesterday"})).status_code == 422
