"""Orders in doubt: their owner says which one it is at the broker, or that it is none; nobody else does."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from broker.app import create_app
from broker.config import Settings
from broker.desk import Desk
from broker.domain.order import OrderIntent, OwnerId
from broker.store import attempts
from broker.usecases.recover_attempts import recover_attempts
from broker.usecases.submit_order import submit_order
from fastapi import FastAPI
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.builders import an_order
from services.broker.tests.kis.emulator import KEYS, Emulator, emulator
from services.broker.tests.remote import OneLine

PATH = "/api/v1/broker/doubts"
KIS = {"app_key": KEYS.app_key, "app_secret": KEYS.app_secret, "account": "5012345601"}


@dataclass
class Doubt:
    """An order that KIS shows twice, the person whose it is, and the API."""

    app: FastAPI
    tokens: Tokens
    kis: Emulator
    database: Database
    order: OrderIntent

    async def call(self, method: str, path: str = "", body: Any = None, token: str = "") -> httpx.Response:
        async with client(self.app, token or self.tokens.for_user(self.order.owner)) as http:
            return await http.request(method, PATH + path, json=body)

    async def answers(self, number: str | None, token: str = "") -> httpx.Response:
        return await self.call("POST", f"/{self.order.order_id}/answer", {"broker_order_id": number}, token)

    async def candidates(self) -> list[str]:
        answer = await self.call("GET", f"/{self.order.order_id}/candidates")
        return [item["broker_order_id"] for item in answer.json()["items"]]

    async def said(self) -> list[str]:
        async with self.database.system() as session:
            rows = await session.execute(
                text("SELECT type FROM events WHERE subject = :order ORDER BY position"),
                {"order": str(self.order.order_id)},
            )
            return [row.type.removesuffix(".v1").split(".", 1)[1] for row in rows]

    async def state(self) -> tuple[str, str | None]:
        async with self.database.system() as session:
            found = await attempts.find(session, self.order.owner, self.order.order_id)
        assert found is not None
        return found.state.value, found.broker_order_id


@pytest_asyncio.fixture
async def doubt(
    database: Database, redis: "Redis", settings: Settings, tokens: Tokens, tmp_path: Path
) -> AsyncIterator[Doubt]:
    async with emulator() as kis:
        kis.clock.at = now()
        kis.app.state.gate.keys[KEYS.app_key] = KEYS.app_secret
        file = tmp_path / "brokers.yaml"
        file.write_text(json.dumps({"kis": {"paper": {"rest": str(kis.http.base_url), "calls_per_second": 100}}}))
        app = create_app(settings.model_copy(update={"brokers_file": file}), tokens.verifier)
        owner = OwnerId(new_id())
        body = {"broker": "kis", "environment": "paper", "name": "모의투자", "credentials": KIS}
        async with client(app, tokens.for_user(owner)) as http:
            saved = await http.post("/api/v1/broker/connections", json=body)
        order = an_order(
            "005930", owner=owner, broker="kis", connection_id=UUID(saved.json()["id"]), limit_price="69900"
        )
        kis.token.text, kis.token.until = next(iter(kis.gate.tokens.values()))[0], kis.clock() + timedelta(hours=12)
        desk = Desk(database, redis, {}, kis.clock, settings, OneLine(kis.connector()))
        kis.breaks("order-cash", "reset_after")
        await submit_order(desk, order, new_id())
        kis.house.take_from_its_own_app("005930", "buy", order.quantity, order.limit_price, "00")  # type: ignore[arg-type]  # it has one
        kis.clock.passes(20)
        await recover_attempts(desk, kis.clock())
        yield Doubt(app, tokens, kis, database, order)


@pytest.mark.requirement("R-4")
async def test_its_owner_sees_what_it_could_be_and_says_which_it_is(doubt: Doubt) -> None:
    [shown] = (await doubt.call("GET")).json()["items"]
    assert (shown["order_id"], shown["symbol"], shown["limit_price"]) == (str(doubt.order.order_id), "005930", "69900")
    numbers = await doubt.candidates()
    assert len(numbers) == 2
    answer = await doubt.answers(numbers[0])
    assert (answer.status_code, answer.json()["broker_order_id"]) == (200, numbers[0])
    assert await doubt.state() == ("accepted", numbers[0])
    assert await doubt.said() == ["order.unknown", "order.needs_human", "order.accepted", "doubt.answered"]
    assert (await doubt.call("GET")).json()["items"] == []
    again = await doubt.answers(numbers[1])
    assert (again.status_code, again.json()["code"]) == (404, "doubt_not_found")


@pytest.mark.requirement("R-4")
async def test_its_owner_says_that_it_was_never_placed(doubt: Doubt) -> None:
    assert (await doubt.answers(None)).status_code == 200
    assert await doubt.state() == ("rejected", None)
    assert (await doubt.said())[-2:] == ["order.rejected", "doubt.answered"]


@pytest.mark.requirement("R-4")
async def test_that_it_was_never_placed_can_be_said_when_its_connection_is_gone(doubt: Doubt) -> None:
    [number, _] = await doubt.candidates()
    token = doubt.tokens.for_user(doubt.order.owner)
    async with client(doubt.app, token) as http:
        deleted = await http.delete(f"/api/v1/broker/connections/{doubt.order.connection_id}")
        assert deleted.status_code == 204
    unasked = await doubt.answers(number)
    assert (unasked.status_code, unasked.json()["code"]) == (404, "connection_not_found")
    assert await doubt.state() == ("unknown", None)
    assert (await doubt.answers(None)).status_code == 200
    assert await doubt.state() == ("rejected", None)


@pytest.mark.requirement("R-4", "R-36")
async def test_nobody_else_answers_and_nobody_answers_without_proving_who_they_are(doubt: Doubt) -> None:
    somebody = doubt.tokens.for_user(new_id())
    old = doubt.tokens.sign(doubt.tokens.claims(doubt.order.owner) | {"auth_time": int(time.time()) - 3_600})
    for token, refusal in ((somebody, (404, "doubt_not_found")), (old, (403, "step_up_required"))):
        answer = await doubt.answers(None, token)
        assert (answer.status_code, answer.json()["code"]) == refusal
    assert (await doubt.call("GET", token=somebody)).json()["items"] == []
    assert await doubt.state() == ("unknown", None)


@pytest.mark.requirement("R-4")
async def test_an_answer_that_cannot_be_it_changes_nothing(doubt: Doubt) -> None:
    refused = await doubt.answers("20261102-00950-0000000099")
    assert (refused.status_code, refused.json()["code"]) == (422, "not_a_candidate")
    [number, _] = await doubt.candidates()
    doubt.kis.breaks("inquire-daily-ccld", "html")
    silent = await doubt.answers(number)
    assert (silent.status_code, silent.json()["code"]) == (503, "broker_unreachable")
    assert await doubt.state() == ("unknown", None)
