"""Tokens: nothing forged is accepted, nothing valid is refused because of what strangers do."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from kit.auth import Revoked, TokenVerifier
from kit.clock import now
from kit.errors import Unauthenticated, Unavailable
from kit.ids import new_id
from kit.testing.tokens import KEY_ID, Tokens

Claims = dict[str, Any]
HEADER = {"typ": "at+jwt", "kid": KEY_ID, "alg": "ES256"}


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, default=str).encode()).decode().rstrip("=")


def numeric(claims: Claims) -> Claims:
    return {key: value.timestamp() if hasattr(value, "timestamp") else value for key, value in claims.items()}


def public_pem(tokens: Tokens) -> bytes:
    return tokens.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def with_header(**changes: Any) -> Callable[[Tokens, Claims], str]:
    return lambda tokens, claims: jwt.encode(
        claims, tokens.key, "ES256", headers={"typ": "at+jwt", "kid": KEY_ID, **changes}
    )


def without_key_id(**header: Any) -> Callable[[Tokens, Claims], str]:
    return lambda tokens, claims: jwt.encode(claims, tokens.key, "ES256", headers={"typ": "at+jwt", **header})


def with_claims(**changes: Any) -> Callable[[Tokens, Claims], str]:
    return lambda tokens, claims: tokens.sign({**claims, **changes})


def without(claim: str) -> Callable[[Tokens, Claims], str]:
    return lambda tokens, claims: tokens.sign({key: value for key, value in claims.items() if key != claim})


def unsigned(algorithm: str) -> Callable[[Tokens, Claims], str]:
    return lambda tokens, claims: f"{part({**HEADER, 'alg': algorithm})}.{part(numeric(claims))}."


def signed_with_the_public_key(tokens: Tokens, claims: Claims) -> str:
    signing_input = f"{part({**HEADER, 'alg': 'HS256'})}.{part(numeric(claims))}"
    digest = hmac.new(public_pem(tokens), signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def with_signature(signature: bytes) -> Callable[[Tokens, Claims], str]:
    text = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    return lambda tokens, claims: f"{part(HEADER)}.{part(numeric(claims))}.{text}"


def by_another_key(tokens: Tokens, claims: Claims) -> str:
    return jwt.encode(claims, generate_private_key(SECP256R1()), "ES256", headers={"typ": "at+jwt", "kid": KEY_ID})


FORGERIES: dict[str, Callable[[Tokens, Claims], str]] = {
    **{f"alg {name}": unsigned(name) for name in ("none", "None", "NONE", "nOnE", "")},
    "HS256 with the public key": signed_with_the_public_key,
    "another key": by_another_key,
    "r = s = 0": with_signature(b"\0" * 64),
    "an empty signature": with_signature(b""),
    "a short signature": with_signature(b"\1" * 63),
    "no kid": without_key_id(),
    "kid that is a path": with_header(kid="../../dev/null"),
    "kid with a quote": with_header(kid="' OR 1=1"),
    "kid that is unknown": with_header(kid="other"),
    "an unknown extension": with_header(crit=["b64"], b64=True),
    "typ JWT": with_header(typ="JWT"),
    "an embedded key and no kid": without_key_id(jwk={"kty": "EC"}),
    "another issuer": with_claims(iss="exodus.evil"),
    "another audience": with_claims(aud="other"),
    "several audiences": with_claims(aud=["exodus", "other"]),
    "expired": with_claims(exp=now() - timedelta(minutes=1)),
    "exp as text": with_claims(exp="tomorrow"),
    "issued in the future": with_claims(iat=now() + timedelta(hours=1)),
    "not yet valid": with_claims(nbf=now() + timedelta(hours=1)),
    "sub that is no id": with_claims(sub="root"),
    "sid that is no id": with_claims(sid="x"),
    "longer than 4 KiB": with_claims(name="x" * 5000),
    **{f"no {claim}": without(claim) for claim in ("iss", "aud", "sub", "sid", "jti", "iat", "exp", "role")},
    "two parts": lambda tokens, claims: ".".join(tokens.sign(claims).split(".")[:2]),
    "four parts": lambda tokens, claims: tokens.sign(claims) + ".x",
    "nothing": lambda tokens, claims: "",
    "words": lambda tokens, claims: "let me in",
}


class TestForgeries:
    @pytest.mark.requirement("R-42")
    @pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
    async def test_a_forged_token_is_refused(self, tokens: Tokens, forge: Callable[[Tokens, Claims], str]) -> None:
        forged = forge(tokens, tokens.claims(new_id()))
        with pytest.raises(Unauthenticated):
            await tokens.verifier.verify(forged)

    async def test_a_good_token_tells_who_it_is(self, tokens: Tokens) -> None:
        user = new_id()
        identity = await tokens.verifier.verify(tokens.for_user(user, "admin"))
        assert identity.user_id == user
        assert identity.role == "admin"


def a_jwks(tokens: Tokens) -> dict[str, Any]:
    entry = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(tokens.key.public_key()))
    return {"keys": [{**entry, "kid": KEY_ID, "alg": "ES256", "use": "sig"}]}


def revocations(request: httpx.Request, played: dict[str, Any]) -> httpx.Response:
    tag = f'"{played.get("revoked")}"'
    if request.headers.get("if-none-match") == tag:
        return httpx.Response(304)
    return httpx.Response(200, json=played.get("revoked", {"sessions": [], "versions": {}}), headers={"etag": tag})


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
        for number in range(50):
            with pytest.raises(Unauthenticated):
                await verifier.verify(with_header(kid=f"made-up-{number}")(tokens, tokens.claims(new_id())))
        await verifier.verify(tokens.for_user(new_id()))
        assert issuer["fetches"] == 1

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
        assert "has ended" in await asyncio.wait_for(waiting, 2)

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
        began = time.perf_counter()
        for _ in range(1_000):
            await held.verifier.refuse_revoked(identity)
        assert (time.perf_counter() - began) / 1_000 < 0.0001


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
