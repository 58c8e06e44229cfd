"""Tokens: nothing forged is accepted, nothing valid is refused because of what strangers do."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest
from kit.auth import Revoked, TokenVerifier
from kit.errors import Unauthenticated, Unavailable
from kit.health import not_ready
from kit.ids import new_id
from kit.testing.forged_tokens import FORGED_MIN, forged_tokens
from kit.testing.issuer import Issuer
from kit.testing.tokens import KEY_ID, Tokens

Claims = dict[str, Any]


def with_header(**changes: Any) -> Callable[[Tokens, Claims], str]:
    return lambda tokens, claims: jwt.encode(
        claims, tokens.key, "ES256", headers={"typ": "at+jwt", "kid": KEY_ID, **changes}
    )


class TestForgeries:
    @pytest.mark.requirement("R-42")
    async def test_no_token_of_the_corpus_is_believed(self) -> None:
        issuer = Issuer.new()
        verifier, forged = issuer.verifier(), [*forged_tokens(issuer), ("nothing", "")]
        assert len(forged) > FORGED_MIN
        for trick, token in forged:
            with pytest.raises(Unauthenticated):
                pytest.fail(f"believed: {trick}, {await verifier.verify(token)}")

    async def test_a_good_token_tells_who_it_is(self, tokens: Tokens) -> None:
        user = new_id()
        identity = await tokens.verifier.verify(tokens.for_user(user, "admin"))
        assert identity.user_id == user
        assert identity.role == "admin"


class TestProven:
    """A signature costs half a millisecond, so one that was good is not computed again."""

    @pytest.fixture
    def checks(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        checked: list[str] = []
        decode = jwt.decode

        def counted(token: str, *given: Any, **named: Any) -> Any:
            checked.append(token)
            return decode(token, *given, **named)

        monkeypatch.setattr("kit.auth.jwt.decode", counted)
        return checked

    async def test_a_token_is_checked_once_and_then_known(self, tokens: Tokens, checks: list[str]) -> None:
        token = tokens.for_user(new_id())
        assert await tokens.verifier.verify(token) == await tokens.verifier.verify(token)
        assert checks == [token]

    @pytest.mark.requirement("R-42")
    async def test_a_known_token_with_another_signature_is_refused(self, tokens: Tokens) -> None:
        token, other = tokens.for_user(new_id()), tokens.for_user(new_id())
        await tokens.verifier.verify(token)
        await tokens.verifier.verify(other)
        with pytest.raises(Unauthenticated):
            await tokens.verifier.verify(f"{token.rpartition('.')[0]}.{other.rpartition('.')[2]}")

    async def test_a_known_token_is_checked_again_once_it_has_expired(
        self, tokens: Tokens, checks: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = tokens.for_user(new_id())
        expires_at = (await tokens.verifier.verify(token)).expires_at
        monkeypatch.setattr("kit.auth.now", lambda: expires_at)
        await tokens.verifier.verify(token)
        assert len(checks) == 2

    @pytest.mark.requirement("R-43")
    async def test_a_known_token_of_a_key_that_was_taken_away_is_refused(self, tokens: Tokens) -> None:
        keys = {KEY_ID: tokens.key.public_key()}
        verifier, token = TokenVerifier(issuer="exodus", audience="exodus", keys=keys), tokens.for_user(new_id())
        await verifier.verify(token)
        keys.clear()
        with pytest.raises(Unauthenticated, match="unknown key"):
            await verifier.verify(token)

    async def test_no_more_tokens_are_known_than_there_is_room_for(
        self, tokens: Tokens, checks: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.auth.PROVEN_MAX", 2)
        known = [tokens.for_user(new_id()) for _ in range(3)]
        for token in (*known, known[2], known[0]):
            await tokens.verifier.verify(token)
        assert checks == [*known, known[0]]


def a_jwks(tokens: Tokens) -> dict[str, Any]:
    entry = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(tokens.key.public_key()))
    return {"keys": [{**entry, "kid": KEY_ID, "alg": "ES256", "use": "sig"}]}


def revocations(request: httpx.Request, played: dict[str, Any]) -> httpx.Response:
    tag = f'"{played.get("revoked")}"'
    if request.headers.get("if-none-match") == tag:
        return httpx.Response(304)
    return httpx.Response(200, json=played.get("revoked", {"sessions": [], "versions": {}}), headers={"etag": tag})


INVENTED = 1_000


@dataclass
class Nothing:
    """The resources of a process that needs none."""


class TestKeys:
    """The issuer is outside kit: it is played by a transport that answers, or does not."""

    @pytest.fixture
    def issuer(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        played: dict[str, Any] = {"fetches": 0, "answer": None}

        def respond(request: httpx.Request) -> httpx.Response:
            if played["answer"] is None:
                raise httpx.ConnectError("down")
            if request.url.path == "/internal/revocations":
                return revocations(request, played)
            played["fetches"] += 1
            return httpx.Response(200, json=played["answer"])

        real = httpx.AsyncClient
        monkeypatch.setattr("kit.auth.httpx.AsyncClient", lambda **_: real(transport=httpx.MockTransport(respond)))
        return played

    @pytest.mark.requirement("R-43")
    async def test_a_flood_of_unknown_keys_causes_one_fetch_and_no_401_for_valid_tokens(
        self, tokens: Tokens, issuer: dict[str, Any]
    ) -> None:
        issuer["answer"] = a_jwks(tokens)
        verifier = TokenVerifier(issuer="exodus", audience="exodus", jwks_url="http://issuer/jwks")
        await verifier.verify(tokens.for_user(new_id()))
        for number in range(INVENTED):
            with pytest.raises(Unauthenticated):
                await verifier.verify(with_header(kid=f"made-up-{number}")(tokens, tokens.claims(new_id())))
        await verifier.verify(tokens.for_user(new_id()))
        assert issuer["fetches"] == 1

    @pytest.mark.requirement("R-43")
    async def test_while_no_keys_can_be_fetched_the_last_ones_count(
        self, tokens: Tokens, issuer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.auth.REFETCH_SECONDS", 0)
        issuer["answer"] = a_jwks(tokens)
        verifier = TokenVerifier(issuer="exodus", audience="exodus", jwks_url="http://issuer/jwks")
        await verifier.verify(tokens.for_user(new_id()))
        issuer["answer"] = None
        with pytest.raises((Unauthenticated, Unavailable)):
            await verifier.verify(with_header(kid="made-up")(tokens, tokens.claims(new_id())))
        await verifier.verify(tokens.for_user(new_id()))

    async def test_a_process_is_ready_once_it_has_had_the_keys_and_then_whether_or_not_the_issuer_is_there(
        self, tokens: Tokens, issuer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.kept.RETRY_SECONDS", 0)
        monkeypatch.setattr("kit.auth.REFETCH_SECONDS", 0)
        verifier = TokenVerifier(issuer="exodus", audience="exodus", jwks_url="http://issuer/jwks")
        assert await not_ready(Nothing(), keys=verifier.keys) == {"keys": "Unavailable"}
        issuer["answer"] = a_jwks(tokens)
        assert await not_ready(Nothing(), keys=verifier.keys) == {}
        issuer["answer"] = None
        assert await not_ready(Nothing(), keys=verifier.keys) == {}

    async def test_without_any_key_the_answer_is_503_and_not_401(self, tokens: Tokens, issuer: dict[str, Any]) -> None:
        verifier = TokenVerifier(issuer="exodus", audience="exodus", jwks_url="http://issuer/jwks")
        with pytest.raises(Unavailable):
            await verifier.verify(tokens.for_user(new_id()))


class TestRevocation:
    """What the issuer revokes, and what happens while it cannot be asked; the list is the test's, the clock is real."""

    @pytest.fixture
    def held(self, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> "Held":
        monkeypatch.setattr("kit.auth.ASK_SECONDS", 0.02)
        return Held(tokens)

    @pytest.mark.requirement("R-43", "R-48")
    async def test_an_ended_session_and_an_older_version_are_refused_and_others_go_on(
        self, tokens: Tokens, held: "Held"
    ) -> None:
        ours, theirs = tokens.claims(new_id()), tokens.claims(new_id())
        newer = {**theirs, "ver": 3}
        for claims in (ours, theirs):
            await held.verifier.verify(tokens.sign(claims))
        held.revoked = Revoked(frozenset({ours["sid"]}), {theirs["sub"]: 3})
        await asyncio.sleep(0.05)
        with pytest.raises(Unauthenticated, match="session has ended"):
            await held.verifier.verify(tokens.sign(ours))
        with pytest.raises(Unauthenticated, match="has changed: refresh"):
            await held.verifier.verify(tokens.sign(theirs))
        assert (await held.verifier.verify(tokens.sign(newer))).version == 3

    @pytest.mark.requirement("R-34")
    async def test_an_open_websocket_learns_of_it_without_being_asked(self, tokens: Tokens, held: "Held") -> None:
        claims = tokens.claims(new_id())
        identity = await held.verifier.verify(tokens.sign(claims))
        waiting = asyncio.create_task(held.verifier.until_ended(identity))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        held.revoked = Revoked(frozenset({claims["sid"]}), {})
        assert "has ended" in await asyncio.wait_for(waiting, 30)

    async def test_the_last_list_counts_for_a_minute_and_then_nothing_does(
        self, tokens: Tokens, held: "Held", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended, good = tokens.claims(new_id()), tokens.claims(new_id())
        held.revoked = Revoked(frozenset({ended["sid"]}), {})
        await held.verifier.verify(tokens.sign(good))
        held.revoked = None
        await asyncio.sleep(0.05)
        await held.verifier.verify(tokens.sign(good))
        with pytest.raises(Unauthenticated):
            await held.verifier.verify(tokens.sign(ended))
        monkeypatch.setattr("kit.auth.TRUST_SECONDS", 0.05)
        await asyncio.sleep(0.06)
        with pytest.raises(Unavailable):
            await held.verifier.verify(tokens.sign(good))

    async def test_before_any_list_came_no_token_is_good(self, tokens: Tokens, held: "Held") -> None:
        held.revoked = None
        with pytest.raises(Unavailable):
            await held.verifier.verify(tokens.for_user(new_id()))

    async def test_looking_costs_less_than_a_tenth_of_a_millisecond(self, tokens: Tokens, held: "Held") -> None:
        held.revoked = Revoked(frozenset(str(new_id()) for _ in range(100_000)), {})
        identity = await held.verifier.verify(tokens.for_user(new_id()))
        began = time.process_time()
        for _ in range(1_000):
            await held.verifier.refuse_revoked(identity)
        assert (time.process_time() - began) / 1_000 < 0.0001


class Held:
    """A verifier whose list of revocations the test holds; None: nobody answers."""

    def __init__(self, tokens: Tokens) -> None:
        self.revoked: Revoked | None = Revoked()
        keys = {KEY_ID: tokens.key.public_key()}
        self.verifier = TokenVerifier(issuer="exodus", audience="exodus", keys=keys, revoked=self._read)

    async def _read(self) -> Revoked:
        if self.revoked is None:
            raise ConnectionError
        return self.revoked
