"""Registering, logging in, refreshing and logging out, as a program and as a browser."""

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
from auth.api.types import COOKIE
from kit.db import Database
from sqlalchemy import text

from services.auth.tests.people import PASSWORD, Person, register

REGISTER, LOGIN, REFRESH = "/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/refresh"
LOGOUT, LOGOUT_ALL = "/api/v1/auth/logout", "/api/v1/auth/logout-all"
GOOD = {"email": "haneul.kim@example.com", "password": PASSWORD, "name": "김하늘"}
MALFORMED: list[dict[str, Any]] = [
    {"email": "nobody"},
    {"email": "a" * 250 + "@example.com"},
    {"email": None},
    {"password": "x" * 129},
    {"password": ""},
    {"password": 123456789012345},
    {"name": ""},
    {"name": "  "},
    {"name": "x" * 101},
    {"name": "nul\x00byte"},
    {"name": "line\nbreak"},
    {"name": "\ud800"},
    {"role": "admin"},
    {"id": "0193ccc5-bf05-7f1f-b569-eaf3a635486d"},
]


class TestRegister:
    async def test_an_account_is_opened_and_announced_without_its_password(
        self, http: httpx.AsyncClient, database: Database
    ) -> None:
        answer = await http.post(REGISTER, json={**GOOD, "email": "Haneul.KIM@Example.com"})
        assert answer.status_code == 201
        assert answer.json() == {"id": answer.json()["id"], "email": "haneul.kim@example.com", "name": "김하늘"}
        async with database.system() as session:
            events = (await session.execute(text("SELECT type, owner_id, data FROM events"))).all()
            stored = await session.scalar(text("SELECT password_hash FROM users"))
        assert [(event.type, str(event.owner_id)) for event in events] == [
            ("auth.user.registered.v1", answer.json()["id"])
        ]
        assert set(events[0].data) == {"user_id", "email", "name"}
        assert str(stored).startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    async def test_one_address_is_one_account_even_when_two_register_it_at_once(self, http: httpx.AsyncClient) -> None:
        spellings = ("haneul.kim@example.com", "HANEUL.KIM@EXAMPLE.COM")
        answers = await asyncio.gather(*(http.post(REGISTER, json={**GOOD, "email": each}) for each in spellings))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        refused = next(answer for answer in answers if answer.status_code == 409)
        assert refused.json()["code"] == "email_taken"

    @pytest.mark.requirement("R-40")
    async def test_a_weak_password_names_its_field_and_is_not_repeated(self, http: httpx.AsyncClient) -> None:
        answer = await http.post(REGISTER, json={**GOOD, "password": "haneul.kim@example"})
        assert answer.status_code == 422
        assert answer.json()["code"] == "weak_password"
        assert answer.json()["errors"][0]["field"] == "password"
        assert "haneul.kim@example" not in answer.text

    @pytest.mark.requirement("R-35", "R-48")
    async def test_a_malformed_registration_is_refused(self, http: httpx.AsyncClient) -> None:
        for change in MALFORMED:
            body = json.dumps({**GOOD, **change})
            answer = await http.post(REGISTER, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 422, change
            assert answer.headers["content-type"] == "application/problem+json"


class TestLogIn:
    async def test_a_person_logs_in_and_is_known(self, haneul: Person) -> None:
        answer = await haneul.logs_in()
        assert answer.status_code == 200
        assert answer.json()["token_type"] == "Bearer"
        assert answer.json()["expires_in"] == 600
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        shown = await haneul.http.get("/api/v1/users/profile", headers=haneul.bearer)
        assert shown.json()["email"] == haneul.email

    async def test_success_forgets_earlier_failures(self, haneul: Person, database: Database) -> None:
        await haneul.logs_in("not the right one at all")
        await haneul.logs_in()
        async with database.system() as session:
            assert await session.scalar(text("SELECT count(*) FROM login_failures")) == 0

    async def test_a_malformed_log_in_is_refused(self, http: httpx.AsyncClient) -> None:
        long = {"email": "a@b.co", "password": "x" * 129}
        for body in ({}, {"email": "a@b.co"}, long, {**GOOD, "otp": "123456"}, [], "text"):
            assert (await http.post(LOGIN, json=body)).status_code == 422, body

    @pytest.mark.requirement("R-35")
    async def test_an_oversized_body_is_refused(self, http: httpx.AsyncClient) -> None:
        answer = await http.post(LOGIN, content=b"x" * (1 << 20 | 1))
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


class TestRefresh:
    async def test_a_token_is_spent_for_the_next(self, haneul: Person) -> None:
        first = haneul.refresh_token
        answer = await haneul.refreshes()
        assert answer.status_code == 200
        second = answer.json()["refresh_token"]
        assert second != first
        assert (await haneul.refreshes(second)).status_code == 200
        assert (await haneul.refreshes(first)).json()["refresh_token"] == second, "within ten seconds: the same again"

    @pytest.mark.requirement("R-44")
    async def test_twenty_tabs_that_refresh_at_once_all_go_on(self, haneul: Person) -> None:
        async def refreshes() -> httpx.Response:
            while (answer := await haneul.refreshes()).status_code == 503:  # noqa: ASYNC110 - a tab tries a busy database again
                await asyncio.sleep(0.1)
            return answer

        answers = await asyncio.gather(*(refreshes() for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1

    async def test_a_malformed_refresh_is_refused(self, http: httpx.AsyncClient) -> None:
        for body in ({"refresh_token": "x" * 42}, {"refresh_token": None}, {"token": "x"}, []):
            assert (await http.post(REFRESH, json=body)).status_code == 422, body

    async def test_an_unknown_token_and_no_token_are_refused(self, http: httpx.AsyncClient) -> None:
        for answer in (await http.post(REFRESH, json={"refresh_token": "x" * 43}), await http.post(REFRESH)):
            assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")
            assert "set-cookie" not in answer.headers, "the loser of a race must not clear the winner's cookie"

    async def test_an_access_token_is_no_refresh_token(self, haneul: Person) -> None:
        assert (await haneul.refreshes(haneul.access_token)).status_code == 422


@pytest.mark.requirement("R-48")
class TestBrowser:
    async def test_the_refresh_token_travels_in_a_cookie_no_script_can_read(self, haneul: Person) -> None:
        answer = await haneul.logs_in(**{"X-Client": "web"})
        assert answer.json()["refresh_token"] is None
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        for attribute in ("Secure", "HttpOnly", "SameSite=strict", "Path=/", "Max-Age=604"):
            assert attribute in cookie
        assert "Domain" not in cookie

    async def test_the_cookie_counts_only_with_the_header_no_other_site_can_send(self, haneul: Person) -> None:
        answer = await haneul.logs_in(**{"X-Client": "web"})
        cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        assert (await haneul.http.post(REFRESH, headers=cookie)).status_code == 401
        rotated = await haneul.http.post(REFRESH, headers={**cookie, "X-Client": "web"})
        assert rotated.status_code == 200
        assert rotated.json()["refresh_token"] is None
        assert rotated.headers["set-cookie"].startswith(f"{COOKIE}=")

    async def test_logging_out_takes_the_cookie_away(self, haneul: Person) -> None:
        answer = await haneul.logs_in(**{"X-Client": "web"})
        headers = {"Cookie": answer.headers["set-cookie"].partition(";")[0], "X-Client": "web"}
        gone = await haneul.http.post(LOGOUT, headers=headers)
        assert gone.status_code == 204
        assert "Max-Age=0" in gone.headers["set-cookie"]
        assert (await haneul.http.post(REFRESH, headers=headers)).status_code == 401


class TestLogOut:
    @pytest.mark.parametrize("by", ["refresh token", "access token"])
    async def test_a_session_ends_by_either_token(self, haneul: Person, database: Database, by: str) -> None:
        if by == "refresh token":
            answer = await haneul.http.post(LOGOUT, json={"refresh_token": haneul.refresh_token})
        else:
            answer = await haneul.http.post(LOGOUT, headers=haneul.bearer)
        assert answer.status_code == 204
        assert (await haneul.refreshes()).status_code == 401
        again = await haneul.http.post(LOGOUT, json={"refresh_token": haneul.refresh_token})
        assert again.status_code == 204, "logging out twice is no mistake"
        async with database.system() as session:
            revoked = await session.scalar(
                text("SELECT count(*) FROM events WHERE type = 'auth.session.revoked.v1' AND NOT must_reach")
            )
        assert revoked == 1

    async def test_a_spent_token_still_ends_its_session(self, haneul: Person) -> None:
        successor = (await haneul.refreshes()).json()["refresh_token"]
        await haneul.http.post(LOGOUT, json={"refresh_token": haneul.refresh_token})
        assert (await haneul.refreshes(successor)).status_code == 401

    async def test_everywhere_means_every_session_of_this_account_only(
        self, haneul: Person, http: httpx.AsyncClient
    ) -> None:
        first = haneul.refresh_token
        await haneul.logs_in()
        stranger = await register(http, "minjun@example.com")
        await stranger.logs_in()
        assert (await http.post(LOGOUT_ALL, headers=haneul.bearer)).status_code == 204
        assert (await haneul.refreshes(first)).status_code == 401
        assert (await haneul.refreshes()).status_code == 401
        assert (await stranger.refreshes()).status_code == 200

    async def test_strangers_tokens_end_nothing(self, haneul: Person) -> None:
        assert (await haneul.http.post(LOGOUT)).status_code == 401
        assert (await haneul.http.post(LOGOUT, headers={"Authorization": "Bearer x.y.z"})).status_code == 401
        assert (await haneul.http.post(LOGOUT_ALL)).status_code == 401
        assert (await haneul.http.post(LOGOUT, json={"refresh_token": "x" * 43})).status_code == 204
        assert (await haneul.refreshes()).status_code == 200


@pytest.mark.requirement("R-54")
async def test_no_secret_reaches_logs_or_events(
    haneul: Person, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await haneul.logs_in("not the right one at all")
    await haneul.http.post(REGISTER, json={**GOOD, "password": "tiny", "name": "\x00"})
    await haneul.refreshes()
    await haneul.http.post(LOGOUT, json={"refresh_token": haneul.refresh_token})
    async with database.system() as session:
        events = str((await session.execute(text("SELECT data FROM events"))).all())
    assert "/api/v1/auth/login" in caplog.text, "the log lines are there to be searched"
    for secret in (PASSWORD, "not the right one", haneul.refresh_token, haneul.access_token, "$argon2id$"):
        assert secret not in caplog.text + events
