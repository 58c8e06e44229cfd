"""Changing a password, and seeing and ending one's sessions: anonymous, owner, stranger, malformed."""

from typing import Any

import argon2
import httpx
import pytest
from auth.hashing_process import MEMORY_KIB, PASSES
from fastapi import FastAPI
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text

from services.auth.tests.people import PASSWORD, Person, elsewhere, register

CHANGE, SESSIONS = "/api/v1/auth/password/change", "/api/v1/auth/sessions"
NEW = "copper meadow 81 windmills"


async def change(person: Person, current: str = PASSWORD, new: str = NEW) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await person.http.post(CHANGE, json=body, headers=person.bearer)


class TestChange:
    async def test_the_new_password_counts_and_other_sessions_end(self, haneul: Person, database: Database) -> None:
        other = haneul.refresh_token
        await haneul.logs_in()
        answer = await change(haneul)
        assert (answer.status_code, answer.json()) == (200, {"sessions_ended": 1})
        assert (await haneul.refreshes()).status_code == 200, "the session it was changed in goes on"
        assert (await haneul.refreshes(other)).status_code == 401
        assert (await haneul.logs_in()).status_code == 401
        assert (await haneul.logs_in(NEW)).status_code == 200
        async with database.system() as session:
            revoked = await session.scalar(text("SELECT count(*) FROM events WHERE type = 'auth.session.revoked.v1'"))
        assert revoked == 1

    @pytest.mark.requirement("R-40", "R-41")
    async def test_it_takes_the_current_one_and_a_good_new_one(self, haneul: Person) -> None:
        wrong = await change(haneul, current="not the right one at all")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")
        weak = await change(haneul, new="haneul.kim@example")
        assert (weak.status_code, weak.json()["code"]) == (422, "weak_password")
        assert (await haneul.logs_in()).status_code == 200, "nothing was changed"
        for _ in range(10):
            await change(haneul, current="not the right one at all")
        assert (await change(haneul)).status_code == 429

    async def test_anonymous_and_malformed(self, haneul: Person) -> None:
        assert (await haneul.http.post(CHANGE, json={})).status_code == 401
        good = {"current_password": PASSWORD, "new_password": NEW}
        for body in (
            {},
            {**good, "new_password": "x" * 129},
            {**good, "current_password": None},
            {**good, "role": "admin"},
        ):
            assert (await haneul.http.post(CHANGE, json=body, headers=haneul.bearer)).status_code == 422


@pytest.mark.requirement("R-40")
async def test_a_weaker_hash_of_earlier_days_is_replaced_at_log_in(haneul: Person, database: Database) -> None:
    weaker = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    async with database.system() as session:
        await session.execute(text("UPDATE users SET password_hash = :weaker"), {"weaker": weaker})
    assert (await haneul.logs_in()).status_code == 200
    async with database.system() as session:
        stored = str(await session.scalar(text("SELECT password_hash FROM users")))
    assert stored.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1$")
    assert (await haneul.logs_in()).status_code == 200
    async with database.system() as session:
        assert await session.scalar(text("SELECT password_hash FROM users")) == stored, "once is enough"


class TestSessions:
    async def test_an_owner_recognises_sessions_and_ends_one(self, haneul: Person, app: FastAPI) -> None:
        async with elsewhere(app, "203.0.113.9") as phone:
            agent = "Exodus/1 (phone)\x1b[31m"
            lost = Person(phone, haneul.email, haneul.id)
            await lost.logs_in(**{"User-Agent": agent.encode().decode("latin-1")})
        shown = (await haneul.http.get(SESSIONS, headers=haneul.bearer)).json()
        assert shown["next_cursor"] is None
        by_address = {each["address"]: each for each in shown["items"]}
        assert by_address["127.0.0.1"]["current"] is True
        phone_session = by_address["203.0.113.9"]
        assert (phone_session["current"], phone_session["user_agent"]) == (False, "Exodus/1 (phone)[31m")
        path = f"{SESSIONS}/{phone_session['id']}"
        assert (await haneul.http.delete(path, headers=haneul.bearer)).status_code == 204
        assert (await haneul.http.delete(path, headers=haneul.bearer)).status_code == 404
        assert (await haneul.refreshes(lost.refresh_token)).status_code == 401
        left = (await haneul.http.get(SESSIONS, headers=haneul.bearer)).json()["items"]
        assert [each["current"] for each in left] == [True]

    async def test_ending_one_is_announced(self, haneul: Person, database: Database) -> None:
        items: list[dict[str, Any]] = (await haneul.http.get(SESSIONS, headers=haneul.bearer)).json()["items"]
        await haneul.http.delete(f"{SESSIONS}/{items[0]['id']}", headers=haneul.bearer)
        async with database.system() as session:
            subjects = (
                await session.scalars(text("SELECT subject FROM events WHERE type = 'auth.session.revoked.v1'"))
            ).all()
        assert subjects == [items[0]["id"]]

    async def test_using_a_session_is_seen(self, haneul: Person, database: Database) -> None:
        async with database.system() as session:
            await session.execute(text("UPDATE sessions SET seen_at = seen_at - interval '1 day'"))
        before = (await haneul.http.get(SESSIONS, headers=haneul.bearer)).json()["items"][0]
        await haneul.refreshes()
        after = (await haneul.http.get(SESSIONS, headers=haneul.bearer)).json()["items"][0]
        assert after["seen_at"] > before["begun_at"] > before["seen_at"]

    async def test_a_strangers_session_does_not_exist(self, haneul: Person, http: httpx.AsyncClient) -> None:
        stranger = await register(http, "minjun@example.com")
        await stranger.logs_in()
        mine = (await http.get(SESSIONS, headers=haneul.bearer)).json()["items"][0]["id"]
        for session_id in (mine, new_id()):
            assert (await http.delete(f"{SESSIONS}/{session_id}", headers=stranger.bearer)).status_code == 404
        assert len((await http.get(SESSIONS, headers=stranger.bearer)).json()["items"]) == 1
        assert (await haneul.refreshes()).status_code == 200

    async def test_anonymous_and_malformed(self, haneul: Person) -> None:
        assert (await haneul.http.get(SESSIONS)).status_code == 401
        assert (await haneul.http.delete(f"{SESSIONS}/{new_id()}")).status_code == 401
        assert (await haneul.http.delete(f"{SESSIONS}/x", headers=haneul.bearer)).status_code == 422
