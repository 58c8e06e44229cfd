"""A passkey as a second factor: beside a password, beside a code, and beside another provider's word."""

import asyncio
from typing import Any

import httpx
import pytest
import pytest_asyncio
from auth.config import Settings
from kit.db import Database
from sqlalchemy import text

from services.auth.tests.api.test_passkeys import PASSKEYS, add, age, options, use
from services.auth.tests.authenticator import Authenticator
from services.auth.tests.people import PASSWORD, Person, register
from services.auth.tests.social import log_in as log_in_elsewhere
from services.auth.tests.social import start

LOGIN, STEP_UP, CHANGE = "/api/v1/auth/login", "/api/v1/auth/step-up", "/api/v1/auth/password/change"
FACTORS, WISH = "/api/v1/auth/2fa", "/api/v1/auth/2fa/passkeys"
SHORT = "tea!29Kx"


@pytest.fixture
def devices(settings: Settings) -> tuple[Authenticator, Authenticator]:
    return Authenticator(settings.public_url), Authenticator(settings.public_url)


@pytest_asyncio.fixture
async def guarded(haneul: Person, devices: tuple[Authenticator, Authenticator]) -> Person:
    """Somebody with two passkeys whose password wants one beside it."""
    for device in devices:
        assert (await add(haneul, device)).status_code == 201
    assert (await wish(haneul, required=True)).status_code == 200
    return haneul


async def wish(person: Person, *, required: bool) -> httpx.Response:
    return await person.http.put(WISH, json={"required": required}, headers=person.bearer)


async def signature(person: Person, device: Authenticator, **faults: Any) -> dict[str, Any]:
    return device.signs(await options(person, "login"), **faults)


async def logs_in(person: Person, password: str = PASSWORD, **more: Any) -> httpx.Response:
    body = {"email": person.email, "password": password, **more}
    return await person.http.post(LOGIN, json=body)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.requirement("R-45")
async def test_a_password_alone_opens_nothing_and_with_either_passkey_it_does(
    guarded: Person, devices: tuple[Authenticator, Authenticator]
) -> None:
    alone = await logs_in(guarded)
    assert (*said(alone), alone.json()["ways"]) == (401, "otp_required", ["passkey"])
    assert said(await logs_in(guarded, otp="123456")) == (401, "otp_required"), "there is no code to be guessed"
    for device in devices:
        answer = await logs_in(guarded, passkey=await signature(guarded, device))
        assert answer.status_code == 200, answer.text
    wrong = await logs_in(guarded, "not the right one at all", passkey=await signature(guarded, devices[0]))
    assert said(wrong) == (401, "wrong_credentials")


@pytest.mark.requirement("R-45")
async def test_somebody_elses_passkey_and_an_untrue_signature_are_nothing_beside_it(
    guarded: Person, devices: tuple[Authenticator, Authenticator], settings: Settings, database: Database
) -> None:
    stranger, theirs = await register(guarded.http, "minjun@example.com"), Authenticator(settings.public_url)
    await stranger.logs_in()
    assert (await add(stranger, theirs)).status_code == 201
    assert said(await logs_in(guarded, passkey=await signature(guarded, theirs))) == (401, "passkey_refused")
    for fault in ({"origin": "https://evil.example"}, {"verified": False}, {"count": 0}, {"challenge": ""}):
        answer = await logs_in(guarded, passkey=await signature(guarded, devices[0], **fault))
        assert said(answer) == (401, "passkey_refused"), fault
    async with database.system() as session:
        failures = "SELECT count(*) FROM audit_log WHERE action = 'second_factor_failed' AND subject = :person"
        assert await session.scalar(text(failures), {"person": guarded.id}) == 5


@pytest.mark.requirement("R-45")
async def test_of_ten_who_send_one_signature_at_once_one_gets_in(
    guarded: Person, devices: tuple[Authenticator, Authenticator]
) -> None:
    shown = await signature(guarded, devices[0])
    answers = await asyncio.gather(*(logs_in(guarded, passkey=shown) for _ in range(9)))
    used = await guarded.http.post(f"{PASSKEYS}/login/verify", json={"credential": shown})
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [401] * 8
    assert used.status_code == 401, "nor does it log in by itself any more"


async def test_where_a_code_is_due_a_passkey_does_as_well(
    haneul: Person, devices: tuple[Authenticator, Authenticator]
) -> None:
    await haneul.enrolls()
    assert (await logs_in(haneul)).json()["ways"] == ["otp"]
    await add(haneul, devices[0])
    assert (await logs_in(haneul)).json()["ways"] == ["otp", "passkey"]
    assert (await logs_in(haneul, passkey=await signature(haneul, devices[0]))).status_code == 200
    assert (await logs_in(haneul, otp=haneul.code())).status_code == 200


@pytest.mark.requirement("R-48")
async def test_stepping_up_by_password_wants_it_too(
    guarded: Person, devices: tuple[Authenticator, Authenticator], database: Database
) -> None:
    await age(database)
    guarded.access_token = (await guarded.refreshes()).json()["access_token"]
    assert said(await wish(guarded, required=False)) == (403, "step_up_required")
    body: dict[str, Any] = {"password": PASSWORD}
    assert said(await guarded.http.post(STEP_UP, json=body, headers=guarded.bearer)) == (401, "otp_required")
    body["passkey"] = await signature(guarded, devices[1])
    answer = await guarded.http.post(STEP_UP, json=body, headers=guarded.bearer)
    assert answer.status_code == 200, answer.text
    guarded.access_token = answer.json()["access_token"]
    assert (await wish(guarded, required=False)).json() == {"authenticator": False, "passkey_required": False}
    assert (await logs_in(guarded)).status_code == 200


@pytest.mark.requirement("R-46")
async def test_nor_is_another_providers_word_enough(
    social: httpx.AsyncClient, devices: tuple[Authenticator, Authenticator]
) -> None:
    tokens = await log_in_elsewhere(social)
    person = Person(social, "", "", access_token=tokens.json()["access_token"])
    for device in devices:
        assert (await add(person, device)).status_code == 201
    assert (await wish(person, required=True)).status_code == 200
    browser = await start(social)
    returned = await browser.returns(await browser.agrees())
    assert said(await browser.finishes(returned)) == (401, "otp_required")
    answer = await browser.finishes(returned, passkey=await signature(person, devices[0]))
    assert answer.status_code == 200, answer.text


class TestWish:
    async def test_it_takes_two_passkeys_since_one_may_be_lost(
        self, haneul: Person, devices: tuple[Authenticator, Authenticator]
    ) -> None:
        for device in devices:
            assert said(await wish(haneul, required=True)) == (409, "too_few_passkeys")
            await add(haneul, device)
        assert (await haneul.http.get(FACTORS, headers=haneul.bearer)).json()["passkey_required"] is False
        assert (await wish(haneul, required=True)).json()["passkey_required"] is True
        assert (await haneul.http.get(FACTORS, headers=haneul.bearer)).json()["passkey_required"] is True

    @pytest.mark.requirement("R-57")
    async def test_a_lost_one_can_be_deleted_and_the_last_cannot(
        self, guarded: Person, devices: tuple[Authenticator, Authenticator], database: Database
    ) -> None:
        listed = (await guarded.http.get(PASSKEYS, headers=guarded.bearer)).json()["items"]
        last, lost = (f"{PASSKEYS}/{each['id']}" for each in listed)
        assert (await guarded.http.delete(lost, headers=guarded.bearer)).status_code == 204
        assert said(await guarded.http.delete(last, headers=guarded.bearer)) == (409, "passkey_wanted")
        assert (await use(guarded, devices[1])).status_code == 200
        assert (await wish(guarded, required=False)).status_code == 200
        told = "SELECT action FROM audit_log WHERE action LIKE 'passkey_%wanted' ORDER BY position"
        async with database.system() as session:
            assert (await session.scalars(text(told))).all() == ["passkey_wanted", "passkey_not_wanted"]
        assert (await guarded.http.delete(last, headers=guarded.bearer)).status_code == 204

    async def test_a_password_may_be_short_beside_it_and_then_it_stays(
        self, guarded: Person, devices: tuple[Authenticator, Authenticator]
    ) -> None:
        body = {"current_password": PASSWORD, "new_password": SHORT}
        changed = await guarded.http.post(CHANGE, json=body, headers=guarded.bearer)
        assert changed.status_code in {200, 204}, changed.text
        assert said(await wish(guarded, required=False)) == (409, "password_too_short_alone")
        assert (await logs_in(guarded, SHORT, passkey=await signature(guarded, devices[0]))).status_code == 200

    async def test_it_is_ones_own_and_wants_somebody_known(self, guarded: Person) -> None:
        stranger = await register(guarded.http, "minjun@example.com")
        await stranger.logs_in()
        assert (await guarded.http.get(FACTORS, headers=stranger.bearer)).json()["passkey_required"] is False
        for method, path in (("GET", FACTORS), ("PUT", WISH)):
            assert (await guarded.http.request(method, path)).status_code == 401
        assert (await guarded.http.put(WISH, json={"required": 1}, headers=guarded.bearer)).status_code == 422
