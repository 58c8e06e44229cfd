"""Automations and hooks at the API: what is set up, refused with a sentence, answered, and nobody else's business."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from kit.testing.fixtures import client
from kit.testing.serving import serving
from kit.testing.tokens import Tokens
from quant.markets.calendar import session_hours
from sqlalchemy import text
from trading.app import create_app
from trading.automator import Automator
from trading.config import Settings
from trading.domain.hook import PRESETS, unknown_in
from trading.resources import open_resources
from trading.usecases.record_strategy import Published, record_strategy

from services.trading.tests.api.conftest import Trader
from services.trading.tests.automation_bench import a_document
from services.trading.tests.conftest import People
from services.trading.tests.neighbours import Neighbours

HOOKS = "/api/v1/hooks/tradingview"


@dataclass
class Owner:
    """A person with an account and a published strategy."""

    trader: Trader
    account_id: UUID
    strategy_id: UUID
    settings: Settings

    def wish(self, **changes: Any) -> dict[str, Any]:
        wish: dict[str, Any] = {
            "name": "밤사이",
            "account_id": str(self.account_id),
            "strategy_id": str(self.strategy_id),
            "version": 1,
            "symbols": ["KRX:005930"],
            "capital": "5000000",
        }
        return wish | changes

    async def sets_up(self, **changes: Any) -> dict[str, Any]:
        answer = await self.trader.caller.post("/trading/automations", self.wish(**changes))
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def hooks(self, expected_every_minutes: int | None = None) -> dict[str, Any]:
        automation = await self.sets_up(strategy_id=None, version=None, interval="1m")
        await self.trader.caller.post(f"/trading/automations/{automation['id']}/start", {})
        wish = {"automation_id": automation["id"], "name": "추세", "expected_every_minutes": expected_every_minutes}
        answer = await self.trader.caller.post("/trading/hooks", wish)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def sends(self, hook: dict[str, Any], **payload: Any) -> httpx.Response:
        body = {"secret": hook["secret"], **payload}
        return await self.trader.caller.api.post(f"{HOOKS}/{hook['id']}", json=body)

    async def works_off(self, clock: Callable[[], datetime] = now) -> None:
        async with open_resources(self.settings) as resources:
            worker = Automator(self.settings, resources, clock)
            await worker.begin()
            await worker.take_alerts()
            await worker.look()

    async def lists(self, path: str) -> list[dict[str, Any]]:
        told = (await self.trader.caller.get(path)).json()
        found: list[dict[str, Any]] = told["items"] if isinstance(told, dict) else told
        return found


@pytest_asyncio.fixture
async def owner(settings: Settings, tokens: Tokens, database: Database) -> AsyncIterator[Owner]:
    neighbours = Neighbours()
    async with serving(neighbours.app()) as url:
        told = settings.model_copy(update={"market_url": url, "auth_url": url})
        async with client(create_app(told, tokens.verifier)) as api:
            trader = Trader(People(api, tokens).new())
            strategy_id = new_id()
            published = Published(strategy_id=strategy_id, version=1, name="RSI", document=a_document())
            async with database.owned(trader.caller.id) as session:
                await record_strategy(session, trader.caller.id, published, now())
            yield Owner(trader, await trader.opens(), strategy_id, told)


async def test_an_automation_is_set_up_started_paused_stopped_and_deleted(owner: Owner) -> None:
    caller = owner.trader.caller
    made = await owner.sets_up()
    assert (made["status"], made["symbols"], made["positions_max"]) == ("stopped", ["005930"], 1)
    path = f"/trading/automations/{made['id']}"
    for command, status in (("start", "running"), ("start", "running"), ("pause", "paused"), ("stop", "stopped")):
        shown = (await caller.post(f"{path}/{command}", {})).json()
        assert (shown["status"], shown["profit"], shown["open_trips"]) == (status, "0", 0)
    await caller.post(f"{path}/start", {})
    assert (await caller.delete(path)).json()["code"] == "automation_at_work"
    await caller.post(f"{path}/stop", {})
    assert (await caller.delete(path)).status_code == 204
    assert (await caller.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "code", "says"),
    [
        ({"weekdays": [6, 7]}, 422, "schedule_never_fires", "no exchange is open"),
        ({"interval": "5m", "not_before": "16:00:00"}, 422, "schedule_never_fires", "09:00 to 15:30"),
        ({"not_before": "10:00:00", "not_after": "09:00:00"}, 422, "schedule_never_fires", "not earlier"),
        ({"symbols": ["005930", "AAPL"]}, 422, "invalid_request", "one market"),
        ({"symbols": []}, 422, "strategy_unusable", "which symbols"),
        ({"symbols": [], "strategy_id": None, "version": None}, 422, "invalid_request", "what a hook may trade"),
        ({"version": 2}, 404, "strategy_version_not_found", "publish it first"),
        ({"version": None}, 422, "invalid_request", "together"),
        ({"account_id": str(new_id())}, 404, "account_not_found", ""),
        ({"capital": "0"}, 422, "invalid_request", ""),
    ],
)
async def test_what_could_never_work_is_refused_with_a_sentence(
    owner: Owner, changes: dict[str, Any], status: int, code: str, says: str
) -> None:
    answer = await owner.trader.caller.post("/trading/automations", owner.wish(**changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert says in answer.text
    assert await owner.lists("/trading/automations") == []


async def test_a_universe_without_bars_is_told_at_the_start(owner: Owner) -> None:
    made = await owner.sets_up(symbols=["999999"])
    answer = await owner.trader.caller.post(f"/trading/automations/{made['id']}/start", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "universe_empty")
    assert "999999 has 0" in answer.json()["detail"]


@pytest.mark.requirement("R-38")
async def test_a_strangers_automations_signals_and_hooks_do_not_exist(owner: Owner, people: People) -> None:
    hook, stranger = await owner.hooks(), people.new()
    made = (await owner.lists("/trading/automations"))[0]
    for path in ("", "/runs", "/drift?day=2024-12-16"):
        assert (await stranger.get(f"/trading/automations/{made['id']}{path}")).status_code == 404
    for command in ("start", "pause", "stop"):
        assert (await stranger.post(f"/trading/automations/{made['id']}/{command}", {})).status_code == 404
    assert (await stranger.delete(f"/trading/hooks/{hook['id']}")).status_code == 404
    assert (await stranger.get("/trading/hooks")).json() == []
    await owner.sends(hook, action="buy", ticker="005930")
    assert (await owner.trader.caller.delete(f"/trading/hooks/{hook['id']}")).status_code == 204
    assert (await owner.sends(hook, action="buy", ticker="005930")).status_code == 404
    assert await owner.lists("/trading/hooks") == []


async def test_the_drift_report_judges_bars_nobody_looked_at_as_the_difference_they_are(owner: Owner) -> None:
    made = await owner.sets_up()
    day = date(2024, 12, 16)
    report = (await owner.trader.caller.get(f"/trading/automations/{made['id']}/drift", day=day)).json()
    assert report["differences"] == ["005930, 2024-12-16 00:00: the bar was never looked at"]
    assert report["rows"][0]["backtest_entry"] in {True, False}


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "buy", "ticker": "KRX:005930", "price": "56000", "time": "2024-12-16T01:00:00Z"},
        {"trdeTp": "매수", "stk_cd": "005930", "dmstStexTp": "KRX", "price": "56000"},
    ],
)
async def test_an_alert_becomes_a_signal_and_a_repetition_of_it_does_not(owner: Owner, payload: dict[str, str]) -> None:
    hook = await owner.hooks()
    assert (await owner.sends(hook, **payload)).json() == {"status": "queued", "unknown_fields": []}
    assert (await owner.sends(hook, **payload)).json()["status"] == "duplicate"
    await owner.works_off()
    await owner.works_off()
    (signal,) = await owner.lists("/trading/signals")
    assert (signal["kind"], signal["side"], signal["symbol"], signal["status"]) == ("hook", "buy", "005930", "noted")
    (alert,) = await owner.lists(f"/trading/hooks/{hook['id']}/alerts")
    assert (alert["status"], "secret" in alert["body"]) == ("done", False)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"action": "{{strategy.order.action}}", "ticker": "005930"}, "has not filled it in"),
        ({"action": "hold", "ticker": "005930"}, "write one of buy"),
        ({"action": "buy", "ticker": "AAPL"}, "trades at US"),
        ({"action": "buy", "ticker": "000660", "price": "1"}, "none of the automation's symbols"),
        ({"action": "buy"}, "no ticker"),
    ],
)
async def test_an_alert_that_cannot_be_followed_is_told_to_its_owner(
    owner: Owner, database: Database, payload: dict[str, str], says: str
) -> None:
    hook = await owner.hooks()
    assert (await owner.sends(hook, **payload)).status_code == 202
    await owner.works_off()
    (alert,) = await owner.lists(f"/trading/hooks/{hook['id']}/alerts")
    assert alert["status"] == "refused"
    assert says in alert["detail"]
    assert await owner.lists("/trading/signals") == []
    assert says in (await _told(database, owner))[0]


async def test_fields_that_mean_nothing_are_named_in_the_answer_and_to_the_owner(
    owner: Owner, database: Database
) -> None:
    hook = await owner.hooks()
    answer = await owner.sends(hook, action="buy", ticker="005930", price="56000", leverage="20")
    assert answer.json()["unknown_fields"] == ["leverage"]
    await owner.works_off()
    assert "leverage" in (await _told(database, owner))[0]
    assert len(await owner.lists("/trading/signals")) == 1


async def test_an_alert_that_should_have_come_and_did_not_is_told_to_its_owner_once(
    owner: Owner, database: Database
) -> None:
    await owner.hooks(expected_every_minutes=30)
    opens = session_hours("KRX", date(2024, 12, 16)).open
    async with database.system() as session:
        await session.execute(text("UPDATE hooks SET created_at = :at"), {"at": opens - timedelta(days=1)})
    await owner.works_off(lambda: opens + timedelta(minutes=29))
    assert await _told(database, owner) == []
    for minute in (31, 32):
        await owner.works_off(lambda at=opens + timedelta(minutes=minute): at)
    assert await _told(database, owner) == ["No alert has come yet, and one is expected every 30 minutes."]


async def _told(database: Database, owner: Owner) -> list[str]:
    query = text("SELECT data->>'trouble' FROM events WHERE type = 'trading.hook.troubled.v1' AND owner_id = :owner")
    async with database.system() as session:
        return list(await session.scalars(query, {"owner": owner.trader.caller.id}))


@pytest.mark.requirement("R-54")
async def test_a_wrong_secret_and_a_wrong_address_are_answered_alike(owner: Owner) -> None:
    hook = await owner.hooks()
    wrong = await owner.trader.caller.api.post(f"{HOOKS}/{hook['id']}", json={"secret": "guess", "action": "buy"})
    nowhere = await owner.trader.caller.api.post(f"{HOOKS}/{new_id()}", json={"secret": hook["secret"]})
    assert wrong.status_code == nowhere.status_code == 404
    assert wrong.json()["code"] == nowhere.json()["code"] == "hook_not_found"
    assert await owner.lists(f"/trading/hooks/{hook['id']}/alerts") == []
    assert "secret" not in (await owner.lists("/trading/hooks"))[0]


async def test_many_alerts_at_once_are_each_answered_and_kept_once(owner: Owner) -> None:
    hook = await owner.hooks()
    sent = [owner.sends(hook, action="buy", ticker="005930", alert_id=str(number % 20)) for number in range(60)]
    answers = [answer.json()["status"] for answer in await asyncio.gather(*sent)]
    assert answers.count("queued") == 20
    assert len(await owner.lists(f"/trading/hooks/{hook['id']}/alerts")) == 20


def test_every_preset_is_written_in_words_that_are_known() -> None:
    for name, fields in PRESETS.items():
        assert unknown_in({key: value for key, value in fields.items() if key != "secret"}) == [], name
