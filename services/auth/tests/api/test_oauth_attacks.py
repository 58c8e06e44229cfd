"""Logging in by other providers: a real OpenID provider in its own process, and one that lies."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from auth.app import create_app
from auth.config import Settings
from cryptography.hazmat.primitives.asymmetric import ec
from kit.db import Database
from kit.testing.fixtures import client
from sqlalchemy import text

from services.auth.tests.social import (
    EMAIL,
    OAUTH,
    PROVIDER_SECONDS_MAX,
    column,
    configured,
    email_of,
    log_in,
    oidc_process,
    start,
)
from services.auth.tests.wire_provider import (
    CLIENT_ID,
    KEY_ID,
    WireProvider,
)


@pytest.mark.requirement("R-46")
async def test_a_person_logs_in_by_a_real_provider_and_is_the_same_the_next_time(
    settings: Settings, database: Database, wire: WireProvider
) -> None:
    async with oidc_process() as issuer:
        real = {"kind": "oidc", "issuer": issuer, "client_id": "exodus", "client_secret": "any will do"}
        async with client(create_app(configured(settings, wire, real=real))) as http:
            for _ in range(2):
                browser = await start(http, "real")
                asked = parse_qs(urlsplit(browser.at).query)
                assert asked["redirect_uri"] == [f"{settings.public_url}{OAUTH}/real/callback"]
                assert asked["code_challenge_method"] == ["S256"]
                assert {len(asked[name][0]) for name in ("state", "nonce", "code_challenge")} == {43}
                async with httpx.AsyncClient(timeout=PROVIDER_SECONDS_MAX) as outside:
                    agreed = await outside.post(browser.at, data={"sub": "subject-1"})
                tokens = await browser.finishes(await browser.returns(agreed.headers["location"]))
                assert await email_of(http, tokens) == EMAIL
    assert await column(database, "SELECT email FROM users") == [EMAIL]
    assert await column(database, "SELECT subject FROM identities") == ["subject-1"]
    assert await column(database, "SELECT type FROM events") == ["auth.user.registered.v1"]


@pytest.mark.requirement("R-46")
class TestAttacks:
    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "of another log-in"},
            {"nonce": None},
            {"iss": "http://127.0.0.1:1"},
            {"iss": None},
            {"aud": "another client"},
            {"aud": [CLIENT_ID, "another client"]},
            {"aud": [CLIENT_ID, "another client"], "azp": "another client"},
            {"exp": 1},
            {"exp": None},
            {"iat": 99_999_999_999},
            {"sub": None},
            {"sub": ""},
            {"sub": "x" * 256},
        ],
    )
    async def test_an_id_token_that_says_what_it_must_not_opens_nothing(
        self, social: httpx.AsyncClient, wire: WireProvider, database: Database, claims: dict[str, Any]
    ) -> None:
        wire.claims.update(claims)
        answer = await log_in(social)
        assert (answer.status_code, answer.json()["code"]) == (400, "oauth_refused")
        assert await column(database, "SELECT email FROM users") == []

    @pytest.mark.parametrize("forgery", ["none", "HS256", "another key", "unknown key id"])
    async def test_a_forged_id_token_opens_nothing(
        self, social: httpx.AsyncClient, wire: WireProvider, forgery: str
    ) -> None:
        thief = ec.generate_private_key(ec.SECP256R1())
        wire.signer = {
            "none": (None, "none", {"kid": KEY_ID}),
            "HS256": (b"x" * 32, "HS256", {"kid": KEY_ID}),
            "another key": (thief, "ES256", {"kid": KEY_ID}),
            "unknown key id": (thief, "ES256", {"kid": "key-2"}),
        }[forgery]
        assert (await log_in(social)).json()["code"] == "oauth_refused"

    @pytest.mark.parametrize(
        "answer",
        [
            (400, {"error": "invalid_grant"}),
            (200, {"error": "invalid_grant"}),
            (200, {"access_token": "x"}),
            (200, {"access_token": "x", "id_token": 1}),
            (200, {"access_token": "x", "id_token": "x.y.z"}),
            (302, {}),
        ],
    )
    async def test_a_token_endpoint_that_gives_no_id_token_opens_nothing(
        self, social: httpx.AsyncClient, wire: WireProvider, answer: tuple[int, dict[str, Any]]
    ) -> None:
        wire.token_answer = answer
        assert (await log_in(social)).json()["code"] == "oauth_refused"

    async def test_a_way_back_is_good_once(self, social: httpx.AsyncClient) -> None:
        browser = await start(social)
        location = await browser.agrees()
        answers = await asyncio.gather(*(browser.returns(location) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [303] + [400] * 4

    async def test_a_way_back_is_good_only_in_the_browser_that_began_it(self, social: httpx.AsyncClient) -> None:
        victim, attacker = await start(social), await start(social)
        attackers_way = await attacker.agrees()
        assert (await victim.returns(attackers_way)).status_code == 400, "nobody is logged in as somebody else"
        parts = urlsplit(await victim.agrees())
        assert (await social.get(f"{parts.path}?{parts.query}")).status_code == 400, "no cookie"

    async def test_a_way_back_is_good_only_for_the_provider_it_was_begun_with(self, social: httpx.AsyncClient) -> None:
        browser = await start(social, "google")
        location = (await browser.agrees()).replace("/google/", "/other/")
        assert (await browser.returns(location)).status_code == 400

    async def test_another_issuer_than_the_providers_is_a_mix_up(self, social: httpx.AsyncClient) -> None:
        for provider in ("google", "kakao"):
            browser = await start(social, provider)
            location = await browser.agrees()
            assert (await browser.returns(f"{location}&iss=https%3A%2F%2Fevil.example")).status_code == 400
        browser = await start(social)
        location = await browser.agrees()
        right = urlsplit(browser.at)
        assert (await browser.returns(f"{location}&iss={right.scheme}://{right.netloc}")).status_code == 303

    @pytest.mark.parametrize("query", ["", "?state=x", "?code=x", "?state=x&code=x", "?error=access_denied&state=x"])
    async def test_an_incomplete_or_invented_way_back_is_refused(self, social: httpx.AsyncClient, query: str) -> None:
        browser = await start(social)
        assert (await browser.returns(f"{OAUTH}/google/callback{query}")).json()["code"] == "oauth_refused"

    async def test_a_code_of_one_log_in_is_worth_nothing_in_another(self, social: httpx.AsyncClient) -> None:
        thief, victim = await start(social), await start(social)
        stolen = parse_qs(urlsplit(await victim.agrees()).query)["code"][0]
        state = parse_qs(urlsplit(thief.at).query)["state"][0]
        answer = await thief.returns(f"{OAUTH}/google/callback?code={stolen}&state={state}")
        assert answer.json()["code"] == "oauth_refused", "PKCE: the code is bound to the victim's verifier"

    async def test_a_log_in_waits_ten_minutes_and_a_ticket_two(
        self, social: httpx.AsyncClient, database: Database
    ) -> None:
        for table, minutes in (("oauth_flows", 10), ("oauth_tickets", 2)):
            browser = await start(social)
            location = await browser.agrees()
            returned = await browser.returns(location) if table == "oauth_tickets" else None
            async with database.system() as session:
                await session.execute(
                    text(f"UPDATE {table} SET expires_at = expires_at - make_interval(mins => :minutes)"),
                    {"minutes": minutes},
                )
            late = await browser.returns(location) if returned is None else await browser.finishes(returned)
            assert late.status_code == 400

    async def test_a_ticket_is_good_once_and_only_in_its_browser(self, social: httpx.AsyncClient) -> None:
        browser, other = await start(social), await start(social)
        returned = await browser.returns(await browser.agrees())
        assert (await other.finishes(returned)).json()["code"] == "oauth_refused"
        answers = await asyncio.gather(*(browser.finishes(returned) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 3

    async def test_neither_an_id_token_nor_its_nonce_nor_a_code_is_good_a_second_time(
        self, social: httpx.AsyncClient, wire: WireProvider
    ) -> None:
        browser = await start(social)
        location, nonce = await browser.agrees(), wire.asked[-1]["nonce"]
        code = parse_qs(urlsplit(location).query)["code"][0]
        assert (await browser.returns(location)).status_code == 303
        another = await start(social)
        state = parse_qs(urlsplit(another.at).query)["state"][0]
        spent = await another.returns(f"{OAUTH}/google/callback?code={code}&state={state}")
        assert spent.json()["code"] == "oauth_refused"
        earlier = {"access_token": "x", "id_token": wire.given[-1]}
        wire.token_answer = (200, earlier)
        assert (await log_in(social)).json()["code"] == "oauth_refused"
        wire.token_answer = None
        wire.claims.update(nonce=nonce)
        assert (await log_in(social)).json()["code"] == "oauth_refused"

    @pytest.mark.parametrize("provider", ["google", "other", "kakao", "naver"])
    async def test_every_provider_is_asked_with_s256_and_the_one_exact_address_whatever_it_offers(
        self, social: httpx.AsyncClient, settings: Settings, wire: WireProvider, provider: str
    ) -> None:
        wire.discovery = {"code_challenge_methods_supported": ["plain"]}
        right = f"{settings.public_url}{OAUTH}/{provider}/callback"
        bent = (
            f"{right}/more",
            right.upper(),
            right.replace(":8443", ":8444"),
            f"{right}#x",
            f"{right}?x=1",
            right[:-1],
        )
        for wish in (f"redirect_uri={quote(each, safe='')}" for each in bent):
            answer = await social.get(f"{OAUTH}/{provider}/start?{wish}&code_challenge_method=plain")
            asked = parse_qs(urlsplit(answer.headers["location"]).query)
            assert asked["redirect_uri"] == [right]
            assert (asked["code_challenge_method"], len(asked["code_challenge"][0])) == (["S256"], 43)

    @pytest.mark.parametrize("bend", ["{}/", "{}/more", "/prefix{}", "{}#", "upper"])
    async def test_no_other_address_takes_a_way_back_and_none_uses_it_up(
        self, social: httpx.AsyncClient, bend: str
    ) -> None:
        browser = await start(social)
        path, _, query = (await browser.agrees()).partition("?")
        path = urlsplit(path).path
        bent = path.upper() if bend == "upper" else quote(bend.format(path))
        assert (await browser.returns(f"{bent}?{query}")).status_code == 404
        assert (await browser.returns(f"{path}?{query}")).status_code == 303

    @pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
    async def test_no_request_bends_the_redirect_address(
        self, social: httpx.AsyncClient, settings: Settings, header: str
    ) -> None:
        value = "host=evil.example" if header == "Forwarded" else "evil.example"
        answer = await social.get(f"{OAUTH}/google/start?redirect_uri=https://evil.example", headers={header: value})
        asked = parse_qs(urlsplit(answer.headers["location"]).query)
        assert asked["redirect_uri"] == [f"{settings.public_url}{OAUTH}/google/callback"]

    async def test_discovery_that_names_another_issuer_is_not_believed(
        self, social: httpx.AsyncClient, wire: WireProvider
    ) -> None:
        wire.discovery = {"issuer": "https://evil.example"}
        assert (await social.get(f"{OAUTH}/google/start")).status_code == 503

    async def test_keys_that_could_not_be_fetched_are_asked_for_again_at_once(
        self, social: httpx.AsyncClient, wire: WireProvider
    ) -> None:
        wire.keys_away = 1
        away = await log_in(social)
        assert (away.status_code, away.json()["code"]) == (503, "unavailable")
        assert (await log_in(social)).status_code == 200

    async def test_a_provider_that_is_away_is_said_to_be(self, settings: Settings, wire: WireProvider) -> None:
        away = {"kind": "oidc", "issuer": "http://127.0.0.1:1", "client_id": "x", "client_secret": "x"}
        async with client(create_app(configured(settings, wire, away=away))) as http:
            answer = await http.get(f"{OAUTH}/away/start")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")

    async def test_what_is_no_provider_here_is_not_found(self, social: httpx.AsyncClient) -> None:
        assert (await social.get(f"{OAUTH}/facebook/start")).status_code == 404
        assert (await social.get(f"{OAUTH}/Google/start")).status_code == 422
