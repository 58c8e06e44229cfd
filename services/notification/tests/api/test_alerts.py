"""Alerts over HTTP: anonymous, owner, stranger, malformed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from kit.clock import now
from kit.ids import new_id
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from notification.config import Settings
from notification.resources import Resources
from notification.watcher import Watcher

from services.notification.tests.people import Exchange, running, until

ALERTS = "/api/v1/alerts"
WISH = {"symbol": "005930", "condition": "price_above", "value": "70000"}


async def test_an_owner_makes_lists_shows_and_deletes_alerts(app: FastAPI, tokens: Tokens) -> None:
    async with client(app, tokens.for_user(new_id())) as http:
        answer = await http.post(ALERTS, json={**WISH, "symbol": "KRX:005930", "value": "70000.50"})
        made = answer.json()
        assert answer.status_code == 201
        assert made == {
            "id": made["id"],
            "symbol": "005930",
            "condition": "price_above",
            "value": "70000.5",
            "rule": None,
            "interval": None,
            "repeat": False,
            "pause_seconds": 300,
            "status": "active",
            "expires_at": None,
            "created_at": made["created_at"],
            "triggered_at": None,
            "triggered_price": None,
        }
        assert (await http.get(f"{ALERTS}/{made['id']}")).json() == made
        later = (now() + timedelta(days=1)).isoformat()
        second = (await http.post(ALERTS, json={**WISH, "expires_at": later, "repeat": True})).json()
        page = (await http.get(ALERTS, params={"limit": 1})).json()
        assert [item["id"] for item in page["items"]] == [second["id"]]
        page = (await http.get(ALERTS, params={"limit": 1, "cursor": page["next_cursor"]})).json()
        assert ([item["id"] for item in page["items"]], page["next_cursor"]) == ([made["id"]], None)
        assert (await http.delete(f"{ALERTS}/{made['id']}")).status_code == 204
        assert (await http.delete(f"{ALERTS}/{made['id']}")).status_code == 404


async def test_an_alert_waits_for_a_rule_and_a_rule_that_cannot_be_used_is_refused_where_it_stands(
    app: FastAPI, tokens: Tokens
) -> None:
    wish = {"symbol": "005930", "condition": "rule", "rule": "rsi(14) < 30 and close > sma(200)", "interval": "1d"}
    async with client(app, tokens.for_user(new_id())) as http:
        made = (await http.post(ALERTS, json=wish)).json()
        assert {name: made[name] for name in (*wish, "value")} == {**wish, "value": None}
        assert (await http.get(ALERTS)).json()["items"] == [made]
        wrong = (await http.post(ALERTS, json={**wish, "rule": "close > smaa(200)"})).json()
        assert (wrong["code"], wrong["column"], wrong["errors"][0]["field"]) == ("invalid_rule", 9, "rule")
        assert "smaa" in wrong["message_ko"]
        blind = (
            await http.post(ALERTS, json={**wish, "rule": "crosses_above(sma(1000), sma(sma(1000), 1500))"})
        ).json()
        assert blind["code"] == "invalid_rule"


@pytest.mark.requirement("R-38")
async def test_a_strangers_alert_does_not_exist(app: FastAPI, tokens: Tokens) -> None:
    async with client(app, tokens.for_user(new_id())) as owner:
        made = (await owner.post(ALERTS, json=WISH)).json()
        stranger = {"Authorization": f"Bearer {tokens.for_user(new_id())}"}
        path = f"{ALERTS}/{made['id']}"
        for answer in (await owner.get(path, headers=stranger), await owner.delete(path, headers=stranger)):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await owner.get(ALERTS, headers=stranger)).json()["items"] == []
        assert (await owner.get(path)).json() == made


async def test_an_anonymous_caller_is_told_to_log_in(app: FastAPI) -> None:
    path = f"{ALERTS}/{new_id()}"
    async with client(app) as http:
        answers = [await http.get(ALERTS), await http.post(ALERTS, json=WISH)]
        answers += [await http.get(path), await http.delete(path)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "token_missing")}


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "삼성전자"}, "invalid_request"),
    ({"symbol": ""}, "invalid_request"),
    ({"symbol": "A" * 33}, "invalid_request"),
    ({"symbol": None}, "invalid_request"),
    ({"value": None}, "invalid_request"),
    ({"rule": "close > 1"}, "invalid_request"),
    ({"interval": "1d"}, "invalid_request"),
    ({"condition": "rule"}, "invalid_request"),
    ({"condition": "rule", "value": None, "rule": "close > 1"}, "invalid_request"),
    ({"condition": "rule", "rule": "close > 1", "interval": "1d"}, "invalid_request"),
    ({"condition": "rule", "value": None, "rule": "close > 1", "interval": "2d"}, "invalid_request"),
    ({"condition": "rule", "value": None, "rule": "x" * 1_001, "interval": "1d"}, "invalid_request"),
    ({"condition": "rule", "value": None, "rule": "close >", "interval": "1d"}, "invalid_rule"),
    ({"condition": "price_near"}, "invalid_request"),
    ({"value": "0"}, "invalid_request"),
    ({"value": "-1"}, "invalid_request"),
    ({"value": 70000.5}, "invalid_request"),
    ({"value": "NaN"}, "invalid_request"),
    ({"value": "1e99"}, "invalid_request"),
    ({"value": "0.000000001"}, "invalid_request"),
    ({"value": "1000000001"}, "invalid_request"),
    ({"expires_at": "2099-01-01T00:00:00"}, "invalid_request"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expiry_passed"),
    ({"owner_id": "0193ccc5-bf05-7f1f-b569-eaf3a635486d"}, "invalid_request"),
    ({"status": "triggered"}, "invalid_request"),
]


@pytest.mark.requirement("R-35")
async def test_a_malformed_wish_is_refused(app: FastAPI, tokens: Tokens) -> None:
    async with client(app, tokens.for_user(new_id())) as http:
        for change, code in MALFORMED:
            answer = await http.post(ALERTS, json={**WISH, **change})
            assert (answer.status_code, answer.json()["code"]) == (422, code), change
        assert (await http.get(f"{ALERTS}/not-an-id")).status_code == 422
        assert (await http.get(ALERTS)).json()["items"] == []


@pytest.mark.requirement("R-32")
async def test_nobody_has_more_alerts_than_anybody_may_have_not_even_by_haste(
    app: FastAPI, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notification.usecases.create_alert.ALERTS_MAX", 3)
    async with client(app, tokens.for_user(new_id())) as http:
        answers = await asyncio.gather(*(http.post(ALERTS, json=WISH) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 3


async def test_an_alert_made_over_http_is_watched_at_once(
    app: FastAPI, tokens: Tokens, worker: Resources, settings: Settings, redis_url: str
) -> None:
    exchange = Exchange(redis_url)
    watcher = Watcher(worker, redis_url, now)
    async with client(app, tokens.for_user(new_id())) as http, running(watcher.run()):
        await asyncio.sleep(0.3)
        made = (await http.post(ALERTS, json={**WISH, "symbol": exchange.symbol, "value": "100"})).json()
        await exchange.quotes("101")
        seen = await until(lambda: http.get(f"{ALERTS}/{made['id']}"), lambda got: got.json()["status"] != "active")
        assert seen.json()["triggered_price"] == "101"
        notice = (await http.get("/api/v1/notifications")).json()["items"][0]
        assert notice["title"] == f"{exchange.symbol} 현재가 101"
        assert notice["data"]["alert_id"] == made["id"]
