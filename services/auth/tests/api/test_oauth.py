"""Whose account an identity at another provider is: opening, linking, unlinking, and the Korean providers."""

from typing import Any

import httpx
import pytest
from auth.api.oauth import COOKIE
from auth.config import Settings
from kit.db import Database
from kit.ids import new_id
from pydantic import ValidationError
from sqlalchemy import text

from services.auth.tests.people import PASSWORD, Person, register
from services.auth.tests.social import (
    EMAIL,
    OAUTH,
    VERIFIED,
    column,
    email_of,
    link,
    log_in,
    start,
)
from services.auth.tests.wire_provider import (
    KAKAO_PROFILE,
    NAVER_PROFILE,
    WireProvider,
)


@pytest.mark.requirement("R-46")
class TestWhoseAccount:
    async def test_an_address_the_provider_did_not_verify_opens_nothing(
        self, social: httpx.AsyncClient, wire: WireProvider, database: Database
    ) -> None:
        await register(social, EMAIL)
        for email in (EMAIL, "nobody@example.com", None):
            for verified in (False, None, "true", 1):
                wire.claims.update(email=email, email_verified=verified)
                answer = await log_in(social)
                assert (answer.status_code, answer.json()["code"]) == (409, "link_needed")
        assert await column(database, "SELECT email FROM users") == [EMAIL]

    async def test_verified_on_both_sides_is_linked_and_keeps_its_password(
        self, social: httpx.AsyncClient, database: Database
    ) -> None:
        person = await register(social, EMAIL)
        async with database.system() as session:
            await session.execute(text("UPDATE users SET email_verified_at = now()"))
        tokens = await log_in(social)
        assert await email_of(social, tokens) == EMAIL
        assert (await person.logs_in()).status_code == 200

    async def test_an_account_somebody_opened_with_anothers_address_loses_its_password_and_sessions(
        self, social: httpx.AsyncClient, database: Database
    ) -> None:
        thief = await register(social, EMAIL)
        await thief.logs_in()
        tokens = await log_in(social)
        assert await email_of(social, tokens) == EMAIL
        assert (await thief.refreshes()).status_code == 401
        assert (await thief.logs_in()).json()["code"] == "wrong_credentials"
        assert await column(database, "SELECT password_hash FROM users") == [None]
        assert "account_taken_over" in await column(database, "SELECT action FROM audit_log")

    @pytest.mark.parametrize("guard", ["second factor", "other identity"])
    async def test_an_account_with_more_than_a_password_is_linked_by_its_owner_only(
        self, social: httpx.AsyncClient, wire: WireProvider, guard: str
    ) -> None:
        person = await register(social, EMAIL)
        await person.logs_in()
        if guard == "second factor":
            await person.enrolls()
        else:
            wire.profile = NAVER_PROFILE
            assert (await link(person, "naver")).status_code == 303
        assert (await log_in(social)).json()["code"] == "link_needed"
        assert (await person.refreshes()).status_code == 200

    async def test_the_identity_is_issuer_and_subject_and_never_the_address(
        self, social: httpx.AsyncClient, wire: WireProvider, database: Database
    ) -> None:
        await log_in(social)
        wire.claims.update(email="new.address@example.com")
        assert await email_of(social, await log_in(social)) == EMAIL, "the same person with another address"
        wire.claims.update(VERIFIED, sub="subject-2")
        answer = await log_in(social)
        assert answer.json()["code"] == "link_needed", "another person at the provider, with the address of the first"
        assert await column(database, "SELECT subject FROM identities") == ["subject-1"]

    async def test_a_second_factor_stays_due(self, social: httpx.AsyncClient) -> None:
        person = Person(social, EMAIL, "")
        tokens = await log_in(social)
        person.access_token = tokens.json()["access_token"]
        await person.enrolls()
        browser = await start(social)
        returned = await browser.returns(await browser.agrees())
        assert (await browser.finishes(returned)).json()["code"] == "otp_required"
        assert (await browser.finishes(returned, "000000")).json()["code"] == "otp_wrong"
        assert (await browser.finishes(returned, person.code())).status_code == 200


@pytest.mark.requirement("R-46")
class TestLinking:
    async def test_anybody_may_see_which_providers_there_are(self, social: httpx.AsyncClient) -> None:
        person = await register(social, EMAIL)
        shown = await social.get(f"{OAUTH}/providers")
        assert shown.status_code == 200
        assert shown.json()["items"] == sorted(shown.json()["items"])
        tokens = (await person.logs_in()).json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        own = (await social.get(f"{OAUTH}/identities", headers=bearer)).json()["providers"]
        assert shown.json()["items"] == own != []

    async def test_providers_are_linked_used_and_unlinked(
        self, social: httpx.AsyncClient, wire: WireProvider, database: Database
    ) -> None:
        person = await register(social, "other.address@example.com")
        await person.logs_in()
        wire.profile = KAKAO_PROFILE
        returned = await link(person, "kakao")
        assert returned.headers["location"].endswith("/settings#linked=kakao")
        assert (await link(person, "kakao")).status_code == 303, "the same again changes nothing"
        assert await email_of(social, await log_in(social, "kakao")) == person.email
        shown = (await social.get(f"{OAUTH}/identities", headers=person.bearer)).json()
        assert shown["providers"] == ["google", "kakao", "naver", "other"]
        assert [(each["provider"], each["email"]) for each in shown["items"]] == [("kakao", EMAIL)]
        path = f"{OAUTH}/identities/{shown['items'][0]['id']}"
        stranger = await register(social, "minjun@example.com")
        await stranger.logs_in()
        assert (await social.delete(path, headers=stranger.bearer)).status_code == 404
        assert (await social.delete(path, headers=person.bearer)).status_code == 204
        assert (await social.delete(path, headers=person.bearer)).status_code == 404
        assert await column(database, "SELECT subject FROM audit_log WHERE action = 'identity_unlinked'") == [person.id]
        assert await email_of(social, await log_in(social, "kakao")) == EMAIL, "from now on it is somebody else's"

    async def test_one_identity_is_one_accounts(self, social: httpx.AsyncClient, wire: WireProvider) -> None:
        await log_in(social)
        person = await register(social, "other.address@example.com")
        await person.logs_in()
        taken = await link(person, "google")
        assert (taken.status_code, taken.json()["code"]) == (409, "identity_taken")
        wire.claims["sub"] = "subject-2"
        assert (await link(person, "google")).status_code == 303
        wire.claims["sub"] = "subject-3"
        assert (await link(person, "google")).json()["code"] == "identity_taken", "one of each provider"

    async def test_the_last_way_in_stays(self, social: httpx.AsyncClient) -> None:
        person = Person(social, EMAIL, "", access_token=(await log_in(social)).json()["access_token"])
        shown = (await social.get(f"{OAUTH}/identities", headers=person.bearer)).json()["items"][0]
        answer = await social.delete(f"{OAUTH}/identities/{shown['id']}", headers=person.bearer)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")
        assert (await log_in(social)).status_code == 200

    async def test_anonymous_stale_and_malformed(self, social: httpx.AsyncClient, database: Database) -> None:
        for method, path in (
            ("POST", "/google/link"),
            ("GET", "/identities"),
            ("DELETE", f"/identities/{new_id()}"),
        ):
            assert (await social.request(method, OAUTH + path)).status_code == 401
        person = await register(social, EMAIL)
        await person.logs_in(PASSWORD)
        async with database.system() as session:
            await session.execute(text("UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour'"))
        person.access_token = (await person.refreshes()).json()["access_token"]
        for method, path in (("POST", "/google/link"), ("DELETE", f"/identities/{new_id()}")):
            answer = await social.request(method, OAUTH + path, headers=person.bearer)
            assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
        for body in ({}, {"ticket": "x"}, {"ticket": "x" * 43, "user_id": "x"}):
            answer = await social.post(f"{OAUTH}/finish", json=body, headers={"Cookie": f"{COOKIE}=x"})
            assert answer.status_code == 422


@pytest.mark.requirement("R-46")
class TestKoreanProviders:
    async def test_kakao_opens_an_account_with_an_address_kakao_verified(
        self, social: httpx.AsyncClient, wire: WireProvider
    ) -> None:
        wire.profile = KAKAO_PROFILE
        assert await email_of(social, await log_in(social, "kakao")) == EMAIL
        assert wire.asked[-1]["scope"] == "account_email profile_nickname"

    @pytest.mark.parametrize("field", ["is_email_valid", "is_email_verified"])
    @pytest.mark.parametrize("value", [False, None, "true"])
    async def test_kakao_is_believed_only_if_it_says_valid_and_verified(
        self, social: httpx.AsyncClient, wire: WireProvider, field: str, value: object
    ) -> None:
        wire.profile = {**KAKAO_PROFILE, "kakao_account": {**KAKAO_PROFILE["kakao_account"], field: value}}
        assert (await log_in(social, "kakao")).json()["code"] == "link_needed"

    async def test_naver_says_nothing_about_addresses_so_it_must_be_linked_first(
        self, social: httpx.AsyncClient, wire: WireProvider
    ) -> None:
        wire.profile = NAVER_PROFILE
        assert (await log_in(social, "naver")).json()["code"] == "link_needed"
        person = await register(social, EMAIL)
        await person.logs_in()
        assert (await link(person, "naver")).status_code == 303
        assert await email_of(social, await log_in(social, "naver")) == EMAIL

    @pytest.mark.parametrize(
        ("provider", "profile"),
        [
            ("kakao", {}),
            ("kakao", {"id": None}),
            ("kakao", {"id": True}),
            ("kakao", {"msg": "no such app", "code": -401}),
            ("naver", {}),
            ("naver", {"resultcode": "024", "message": "Authentication failed"}),
            ("naver", {"resultcode": "00", "response": {"email": EMAIL}}),
            ("naver", {"resultcode": "00", "response": {"id": ""}}),
        ],
    )
    async def test_a_profile_that_names_nobody_opens_nothing(
        self, social: httpx.AsyncClient, wire: WireProvider, provider: str, profile: dict[str, Any]
    ) -> None:
        wire.profile = profile
        assert (await log_in(social, provider)).json()["code"] == "oauth_refused"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "oidc"},
        {"kind": "oidc", "issuer": "http://accounts.example.com"},
        {"kind": "kakao", "issuer": "https://kauth.kakao.com"},
        {"kind": "naver", "token_url": "http://nid.naver.com/oauth2.0/token"},
        {"kind": "facebook"},
    ],
)
def test_a_provider_that_cannot_be_used_safely_is_refused_at_the_start(
    settings: Settings, wrong: dict[str, str]
) -> None:
    given = {**wrong, "client_id": "x", "client_secret": "x"}
    with pytest.raises(ValidationError):
        Settings(**(settings.model_dump() | {"oauth_providers": {"one": given}}))
