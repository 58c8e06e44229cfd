"""Accounts, the ledger and the portfolio over HTTP."""

from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from kit.ids import new_id
from redis.asyncio import Redis
from trading.domain.request import AccountId
from trading.usecases.deposit import CASH_MAX
from trading.usecases.open_account import ACCOUNTS_MAX

from services.trading.tests.api.conftest import Trader, publish
from services.trading.tests.conftest import Caller
from services.trading.tests.desk import Desk

PATH_PARAMETERS = (
    *("account_id", "order_id", "client_order_id", "symbol", "table", "owner"),
    *("automation_id", "signal_id", "hook_id"),
)
SECRET_INSTEAD = "/api/v1/hooks/tradingview/"
"""A charting program proves itself by the hook's secret: test_automations.py."""
NO_ACCOUNTS: list[dict[str, Any]] = [
    {},
    {"name": ""},
    {"name": "  "},
    {"name": "a\0b"},
    {"name": "x" * 61},
    {"name": "x", "initial_cash": "-1"},
    {"name": "x", "initial_cash": "0.5"},
    {"name": "x", "initial_cash": "100000000001"},
    {"name": "x", "currency": "EUR"},
    {"name": "x", "owner_id": str(new_id())},
]


class TestAccounts:
    async def test_an_account_opens_with_its_first_cash(self, trader: Trader) -> None:
        account = await trader.opens(cash="10000000", name="모의투자 1호")
        shown = (await trader.caller.get(f"/trading/accounts/{account}")).json()
        assert (shown["name"], shown["kind"], shown["currency"]) == ("모의투자 1호", "paper", "KRW")
        assert (await trader.caller.get("/trading/accounts")).json()["items"] == [shown]
        (balance,) = (await trader.caller.get(f"/trading/accounts/{account}/balance")).json()["items"]
        assert balance["pending"] == []
        named = ("currency", "cash", "held", "available", "unsettled_in", "unsettled_out", "settled", "withdrawable")
        assert [balance[name] for name in named] == ["KRW", "10000000", "0", *["10000000"], "0", "0", *["10000000"] * 2]

    async def test_a_live_account_is_not_permitted(self, trader: Trader) -> None:
        answer = await trader.caller.post("/trading/accounts", {"name": "x", "kind": "live"})
        assert (answer.status_code, answer.json()["code"]) == (422, "live_not_permitted")

    async def test_there_is_a_bound_to_them(self, trader: Trader) -> None:
        for _ in range(ACCOUNTS_MAX):
            await trader.opens(cash="0")
        answer = await trader.caller.post("/trading/accounts", {"name": "one more"})
        assert (answer.status_code, answer.json()["code"]) == (409, "account_limit")

    async def test_what_cannot_be_an_account_is_refused(self, trader: Trader) -> None:
        for body in NO_ACCOUNTS:
            answer = await trader.caller.post("/trading/accounts", body)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body

    async def test_deposits_add_up_in_each_currency(self, trader: Trader) -> None:
        account = await trader.opens(cash="0")
        path = f"/trading/accounts/{account}/deposits"
        await trader.caller.post(path, {"currency": "KRW", "amount": "5000"})
        answer = await trader.caller.post(path, {"currency": "KRW", "amount": "1000"})
        assert (answer.status_code, answer.json()["cash"]) == (201, "6000")
        assert (await trader.caller.post(path, {"currency": "USD", "amount": "10.25"})).json()["cash"] == "10.25"
        too_fine = await trader.caller.post(path, {"currency": "KRW", "amount": "0.5"})
        assert too_fine.json()["detail"] == "body: the smallest amount of KRW is 1"
        too_much = await trader.caller.post(path, {"currency": "KRW", "amount": str(CASH_MAX)})
        assert (too_much.status_code, too_much.json()["code"]) == (409, "cash_limit")

    async def test_the_balance_shows_today_tomorrow_and_the_day_after(
        self, trader: Trader, database: Database, symbol: str
    ) -> None:
        account = await trader.opens(cash="1000000")
        desk = Desk(database, trader.caller.id, AccountId(account))
        await desk.fills(await desk.places(symbol=symbol, limit_price=Decimal(50_000)))
        (balance,) = (await trader.caller.get(f"/trading/accounts/{account}/balance")).json()["items"]
        assert (balance["available"], balance["unsettled_out"]) == ("499925", "500075")
        days = ("settled", "settled_next_day", "settled_in_the_end", "withdrawable", "market_day")
        assert [balance[name] for name in days] == ["1000000", "1000000", "499925", "499925", "2024-12-16"]
        assert balance["pending"] == [{"settles_on": "2024-12-18", "incoming": "0", "outgoing": "500075"}]

    async def test_money_goes_out_again_and_no_more_than_there_is(self, trader: Trader) -> None:
        account = await trader.opens(cash="5000")
        path = f"/trading/accounts/{account}/withdrawals"
        answer = await trader.caller.post(path, {"currency": "KRW", "amount": "2000"})
        assert (answer.status_code, answer.json()["cash"]) == (201, "3000")
        too_much = await trader.caller.post(path, {"currency": "KRW", "amount": "3001"})
        assert (too_much.status_code, too_much.json()["code"]) == (409, "not_withdrawable")
        assert (await trader.caller.post(path, {"currency": "KRW", "amount": "-1"})).status_code == 422

    async def test_a_paper_account_begins_anew(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        path = f"/trading/accounts/{account}/reset"
        await trader.caller.post("/trading/orders", trader.order(account, symbol))
        assert (await trader.caller.post(path, {})).json()["code"] == "orders_open"
        other = await trader.opens()
        path = f"/trading/accounts/{other}/reset"
        assert (await trader.caller.post(path, {"initial_cash": "0.5"})).json()["code"] == "not_payable"
        assert (await trader.caller.post(path, {"initial_cash": "777"})).status_code == 200
        (balance,) = (await trader.caller.get(f"/trading/accounts/{other}/balance")).json()["items"]
        assert balance["cash"] == "777"

    async def test_the_ledger_shows_both_sides_of_every_movement(self, trader: Trader, symbol: str) -> None:
        account = await trader.opens()
        await trader.caller.post("/trading/orders", trader.order(account, symbol))
        entries: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        for _ in range(2):
            page = (await trader.caller.get(f"/trading/accounts/{account}/ledger", limit=2, **cursor)).json()
            entries += page["items"]
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        assert not cursor
        assert {(entry["movement"], entry["book"]): entry["amount"] for entry in entries} == {
            ("hold", "held"): "561084",
            ("hold", "cash"): "-561084",
            ("deposit", "deposits"): "-10000000",
            ("deposit", "cash"): "10000000",
        }


class TestPortfolio:
    async def test_it_sums_up_cash_value_and_profit(
        self, trader: Trader, database: Database, redis: "Redis", symbol: str
    ) -> None:
        account = await trader.opens()
        desk = Desk(database, trader.caller.id, AccountId(account))
        order = await desk.places(symbol=symbol, limit_price=Decimal(56_000))
        await desk.fills(order)
        await publish(redis, symbol, price="57000")
        summary = (await trader.caller.get("/portfolio/summary", account_id=account)).json()
        (won,) = summary["currencies"]
        assert (won["cash"], won["market_value"], won["unrealized_profit"]) == ("9439916", "570000", "9916")
        assert (won["total"], won["realized_profit"]) == ("10009916", "0")
        (position,) = summary["positions"]
        assert (position["symbol"], position["last_price"], position["valued_at"]) == (symbol, "57000", "last_price")
        assert (await trader.caller.get("/trading/positions")).json()["items"] == [position]
        await redis.delete(f"realtime:{symbol}")
        (blind,) = (await trader.caller.get("/trading/positions", account_id=account)).json()["items"]
        assert (blind["last_price"], blind["valued_at"], blind["market_value"]) == (None, "average_price", "560084")

    async def test_executions_and_positions_come_in_pages(
        self, trader: Trader, database: Database, redis: "Redis"
    ) -> None:
        account = await trader.opens()
        desk = Desk(database, trader.caller.id, AccountId(account))
        symbols = ["000660", "005930", "035420"]
        for code in symbols:
            order = await desk.places(symbol=code, quantity=Decimal(2))
            for _ in range(2):
                await desk.fills(order, quantity=Decimal(1))
        for path, key, count in (("/trading/executions", "execution_id", 6), ("/trading/positions", "symbol", 3)):
            seen: list[str] = []
            cursor: dict[str, str] = {}
            while len(seen) < 20:
                page = (await trader.caller.get(path, limit=2, **cursor)).json()
                seen += [item[key] for item in page["items"]]
                if page["next_cursor"] is None:
                    break
                cursor = {"cursor": page["next_cursor"]}
            assert len(seen) == len(set(seen)) == count
        of_one = await trader.caller.get("/trading/executions", account_id=account, order_id=order.id)
        assert len(of_one.json()["items"]) == 2


class TestStrangers:
    @pytest.mark.requirement("R-38")
    async def test_to_a_stranger_nothing_of_mine_exists(self, trader: Trader, people: Any, symbol: str) -> None:
        account = await trader.opens()
        order = (await trader.caller.post("/trading/orders", trader.order(account, symbol))).json()
        stranger: Caller = people.new()
        for path in (
            f"/trading/accounts/{account}",
            f"/trading/accounts/{account}/balance",
            f"/trading/accounts/{account}/ledger",
            f"/trading/orders/{order['id']}",
            f"/trading/orders/by-client-id/{order['client_order_id']}",
            f"/portfolio/summary?account_id={account}",
        ):
            assert (await trader.caller.get(path)).status_code == 200, path
            assert (await stranger.get(path)).status_code == 404, path
        assert (await stranger.delete(f"/trading/orders/{order['id']}")).status_code == 404
        deposit = {"currency": "KRW", "amount": "1"}
        for movement in ("deposits", "withdrawals"):
            assert (await stranger.post(f"/trading/accounts/{account}/{movement}", deposit)).status_code == 404
        assert (await stranger.post(f"/trading/accounts/{account}/reset", {})).status_code == 404
        for path in ("/trading/orders", "/trading/orders/preview"):
            assert (await stranger.post(path, trader.order(account, symbol))).status_code == 404
        for path in ("/trading/accounts", "/trading/orders", "/trading/executions", "/trading/positions"):
            assert (await stranger.get(path)).json() == {"items": [], "next_cursor": None}
            assert (await stranger.get(path, account_id=account)).json()["items"] == []

    @pytest.mark.requirement("R-38")
    async def test_a_strangers_thing_looks_like_one_that_never_was(self, trader: Trader, people: Any) -> None:
        account = await trader.opens()
        stranger: Caller = people.new()
        answers = [await stranger.get(f"/trading/accounts/{some}") for some in (account, new_id())]
        bodies = [{**answer.json(), "request_id": "", "trace_id": ""} for answer in answers]
        assert bodies[0] == bodies[1]

    async def test_every_route_wants_a_token(self, people: Any) -> None:
        api = people.nobody()
        document = (await api.get("/openapi.json")).json()
        asked = 0
        for path, operations in document["paths"].items():
            for method in operations if not path.startswith(SECRET_INSTEAD) else ():
                answer = await api.request(method, path.format(**dict.fromkeys(PATH_PARAMETERS, str(new_id()))))
                assert (answer.status_code, answer.json()["code"]) == (401, "token_missing"), (method, path)
                asked += 1
        assert asked >= 24
