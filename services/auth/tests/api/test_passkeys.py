"""Passkeys over HTTP, with an authenticator in software: the ways in, and the ways that must not be."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from auth.config import Settings
from auth.domain.passkey import PASSKEYS_MAX
from cryptography.hazmat.primitives.asymmetric import ec
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text

from services.auth.tests.authenticator import Authenticator, base64url
from services.auth.tests.people import Person, register

PASSKEYS = "/api/v1/auth/passkeys"


async def options(person: Person, ceremony: str) -> dict[str, Any]:
    headers = {} if ceremony == "login" else person.bearer
    answer = await person.http.post(f"{PASSKEYS}/{ceremony}/options", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["public_key"]
    return found


async def add(person: Person, device: Authenticator, **faults: Any) -> httpx.Response:
    credential = device.creates(await options(person, "register"), **faults)
    body = {"name": "내 휴대폰", "credential": credential}
    return await person.http.post(f"{PASSKEYS}/register/verify", json=body, headers=person.bearer)


async def verify(person: Person, ceremony: str, credential: dict[str, Any], **headers: str) -> httpx.Response:
    sent = headers if ceremony == "login" else {**headers, **person.bearer}
    return await person.http.post(f"{PASSKEYS}/{ceremony}/verify", json={"credential": credential}, headers=sent)


async def use(person: Person, device: Authenticator, ceremony: str = "login", **faults: Any) -> httpx.Response:
    return await verify(person, ceremony, device.signs(await options(person, ceremony), **faults))


@pytest.fixture
def device(settings: Settings) -> Authenticator:
    return Authenticator(settings.public_url)


async def age(database: Database) -> None:
    async with database.system() as session:
        await session.execute(text("UPDATE sessions SET authenticated_at = authenticated_at - interval '6 minutes'"))


class TestRegister:
    async def test_a_passkey_is_registered_listed_and_deleted(self, haneul: Person, device: Authenticator) -> None:
        answer = await add(haneul, device)
        assert answer.status_code == 201, answer.text
        shown = (await haneul.http.get(PASSKEYS, headers=haneul.bearer)).json()
        assert shown == {"items": [answer.json()], "next_cursor": None}
        assert (answer.json()["name"], answer.json()["used_at"]) == ("내 휴대폰", None)
        again = await options(haneul, "register")
        assert [each["id"] for each in again["excludeCredentials"]] == [base64url(device.credential_id)]
        path = f"{PASSKEYS}/{answer.json()['id']}"
        assert (await haneul.http.delete(path, headers=haneul.bearer)).status_code == 204
        assert (await haneul.http.delete(path, headers=haneul.bearer)).status_code == 404
        assert (await use(haneul, device)).status_code == 401

    @pytest.mark.requirement("R-45")
    @pytest.mark.parametrize(
        "fault",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://localhost:8443"},
            {"host": "evil.example"},
            {"verified": False},
            {"kind": "webauthn.get"},
            {"challenge": base64url(b"x" * 32)},
        ],
    )
    async def test_an_untrue_answer_registers_nothing(
        self, haneul: Person, device: Authenticator, fault: dict[str, Any]
    ) -> None:
        answer = await add(haneul, device, **fault)
        assert (answer.status_code, answer.json()["code"]) == (422, "passkey_unusable")
        assert (await haneul.http.get(PASSKEYS, headers=haneul.bearer)).json()["items"] == []

    async def test_one_passkey_is_registered_once_and_for_one_person(
        self, haneul: Person, device: Authenticator
    ) -> None:
        stranger = await register(haneul.http, "minjun@example.com")
        await stranger.logs_in()
        assert (await add(haneul, device)).status_code == 201
        assert (await add(stranger, device)).status_code == 422
        given_to_haneul = device.creates(await options(haneul, "register"))
        body = {"name": "x", "credential": given_to_haneul}
        stolen = await haneul.http.post(f"{PASSKEYS}/register/verify", json=body, headers=stranger.bearer)
        assert stolen.status_code == 422, "a challenge is one person's"

    async def test_it_takes_fresh_authentication(
        self, haneul: Person, device: Authenticator, database: Database
    ) -> None:
        made = (await add(haneul, device)).json()["id"]
        await age(database)
        haneul.access_token = (await haneul.refreshes()).json()["access_token"]
        for method, path in (("POST", "/register/options"), ("DELETE", f"/{made}")):
            answer = await haneul.http.request(method, PASSKEYS + path, headers=haneul.bearer)
            assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")

    async def test_there_is_a_bound(self, haneul: Person, settings: Settings, database: Database) -> None:
        for _ in range(PASSKEYS_MAX):
            assert (await add(haneul, Authenticator(settings.public_url))).status_code == 201
        answer = await add(haneul, Authenticator(settings.public_url))
        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_passkeys")

    async def test_the_last_way_in_stays(self, haneul: Person, device: Authenticator, database: Database) -> None:
        made = (await add(haneul, device)).json()["id"]
        async with database.system() as session:
            await session.execute(text("UPDATE users SET password_hash = NULL"))
        answer = await haneul.http.delete(f"{PASSKEYS}/{made}", headers=haneul.bearer)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")
        assert (await use(haneul, device)).status_code == 200

    async def test_a_strangers_passkey_does_not_exist(self, haneul: Person, device: Authenticator) -> None:
        made = (await add(haneul, device)).json()["id"]
        stranger = await register(haneul.http, "minjun@example.com")
        await stranger.logs_in()
        for passkey_id in (made, new_id()):
            answer = await haneul.http.delete(f"{PASSKEYS}/{passkey_id}", headers=stranger.bearer)
            assert answer.status_code == 404
        assert (await haneul.http.get(PASSKEYS, headers=stranger.bearer)).json()["items"] == []

    async def test_anonymous_and_malformed(self, haneul: Person) -> None:
        for method, path in (
            ("GET", ""),
            ("DELETE", f"/{new_id()}"),
            ("POST", "/register/options"),
            ("POST", "/register/verify"),
            ("POST", "/step-up/options"),
            ("POST", "/step-up/verify"),
        ):
            assert (await haneul.http.request(method, PASSKEYS + path)).status_code == 401, path
        for path in ("/register/verify", "/login/verify", "/step-up/verify"):
            for body in ({}, {"credential": {}}, {"credential": {"id": "x" * 2000}}, []):
                answer = await haneul.http.post(PASSKEYS + path, json=body, headers=haneul.bearer)
                assert answer.status_code == 422, (path, body)


class TestLogIn:
    async def test_a_passkey_is_both_factors_in_one(self, haneul: Person, device: Authenticator) -> None:
        await haneul.enrolls()
        await add(haneul, device)
        answer = await use(haneul, device)
        assert answer.status_code == 200, answer.text
        haneul.access_token = answer.json()["access_token"]
        shown = await haneul.http.get("/api/v1/users/profile", headers=haneul.bearer)
        assert shown.json()["email"] == haneul.email
        listed = (await haneul.http.get(PASSKEYS, headers=haneul.bearer)).json()["items"][0]
        assert listed["used_at"] is not None

    async def test_a_browser_keeps_its_refresh_token_in_the_cookie(self, haneul: Person, device: Authenticator) -> None:
        await add(haneul, device)
        credential = device.signs(await options(haneul, "login"))
        answer = await verify(haneul, "login", credential, **{"X-Client": "web"})
        assert answer.json()["refresh_token"] is None
        assert answer.headers["set-cookie"].startswith("__Host-exodus-refresh=")

    @pytest.mark.requirement("R-45")
    @pytest.mark.parametrize(
        "fault",
        [
            {"origin": "https://evil.example"},
            {"origin": "https://localhost:8443.evil.example"},
            {"host": "evil.example"},
            {"verified": False},
            {"kind": "webauthn.create"},
            {"challenge": base64url(b"x" * 32)},
            {"challenge": ""},
            {"count": 1},
            {"count": 0},
            {"key": ec.generate_private_key(ec.SECP256R1())},
            {"user_handle": b"somebody else"},
        ],
    )
    async def test_an_untrue_answer_opens_nothing(
        self, haneul: Person, device: Authenticator, fault: dict[str, Any]
    ) -> None:
        await add(haneul, device)
        assert (await use(haneul, device)).status_code == 200
        answer = await use(haneul, device, **fault)
        assert (answer.status_code, answer.json()["code"]) == (401, "passkey_refused")

    @pytest.mark.requirement("R-45")
    async def test_of_ten_who_send_one_answer_at_once_one_gets_in(self, haneul: Person, device: Authenticator) -> None:
        await add(haneul, device)
        credential = device.signs(await options(haneul, "login"))
        answers = await asyncio.gather(*(verify(haneul, "login", credential) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9

    @pytest.mark.requirement("R-45")
    async def test_a_challenge_is_used_up_by_a_wrong_answer_and_by_time(
        self, haneul: Person, device: Authenticator, database: Database
    ) -> None:
        await add(haneul, device)
        given = await options(haneul, "login")
        assert (await verify(haneul, "login", device.signs(given, verified=False))).status_code == 401
        assert (await verify(haneul, "login", device.signs(given))).status_code == 401
        given = await options(haneul, "login")
        async with database.system() as session:
            await session.execute(
                text("UPDATE challenges SET expires_at = expires_at - CAST(:age AS interval)"),
                {"age": timedelta(minutes=2)},
            )
        assert (await verify(haneul, "login", device.signs(given))).status_code == 401

    @pytest.mark.requirement("R-45")
    async def test_a_challenge_for_one_ceremony_is_none_for_another(
        self, haneul: Person, device: Authenticator
    ) -> None:
        await add(haneul, device)
        for given, used in (("step-up", "login"), ("login", "step-up")):
            credential = device.signs(await options(haneul, given))
            assert (await verify(haneul, used, credential)).status_code == 401

    async def test_rubbish_is_refused_and_no_error(self, haneul: Person, device: Authenticator) -> None:
        await add(haneul, device)
        for field in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
            for rubbish in ("!", "AA", base64url(b"{}"), base64url(b'{"challenge": 1}'), "é"):
                credential = device.signs(await options(haneul, "login"))
                credential["response"][field] = rubbish
                assert (await verify(haneul, "login", credential)).status_code == 401, (field, rubbish)


class TestStepUp:
    @pytest.mark.requirement("R-48")
    async def test_a_passkey_proves_again_who_you_are(
        self, haneul: Person, device: Authenticator, database: Database
    ) -> None:
        await add(haneul, device)
        await age(database)
        haneul.access_token = (await haneul.refreshes()).json()["access_token"]
        given = await options(haneul, "step-up")
        assert [each["id"] for each in given["allowCredentials"]] == [base64url(device.credential_id)]
        answer = await verify(haneul, "step-up", device.signs(given))
        assert (answer.status_code, answer.json()["refresh_token"]) == (200, None)
        haneul.access_token = answer.json()["access_token"]
        fresh = await haneul.http.post(f"{PASSKEYS}/register/options", headers=haneul.bearer)
        assert fresh.status_code == 200

    async def test_somebody_elses_passkey_steps_nobody_up(self, haneul: Person, settings: Settings) -> None:
        stranger = await register(haneul.http, "minjun@example.com")
        await stranger.logs_in()
        theirs = Authenticator(settings.public_url)
        await add(stranger, theirs)
        answer = await use(haneul, theirs, "step-up")
        assert (answer.status_code, answer.json()["code"]) == (401, "passkey_refused")

    @pytest.mark.usefixtures("revoked_learnt_late")
    async def test_a_session_that_has_ended_cannot_step_up(self, haneul: Person, device: Authenticator) -> None:
        await add(haneul, device)
        await haneul.http.post("/api/v1/auth/logout", json={"refresh_token": haneul.refresh_token})
        answer = await use(haneul, device, "step-up")
        assert (answer.status_code, answer.json()["code"]) == (401, "session_over")
