"""A provider on loopback that speaks OpenID Connect, Kakao's and Naver's protocols, and lies when it is told to."""

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "exodus-client", "kept between the two"
KEY_ID = "key-1"

KAKAO_PROFILE: dict[str, Any] = {
    "id": 3_141_592_653,
    "connected_at": "2026-03-02T01:02:03Z",
    "kakao_account": {
        "profile_needs_agreement": False,
        "profile": {"nickname": "하늘"},
        "email_needs_agreement": False,
        "has_email": True,
        "is_email_valid": True,
        "is_email_verified": True,
        "email": "haneul.kim@example.com",
    },
}
NAVER_PROFILE: dict[str, Any] = {
    "resultcode": "00",
    "message": "success",
    "response": {
        "id": "Pq9-x_naver-identifier",
        "nickname": "하늘",
        "email": "haneul.kim@example.com",
        "name": "김하늘",
    },
}


@dataclass
class WireProvider:
    """What it will say, and what it has been asked."""

    url: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    claims: dict[str, Any] = field(default_factory=dict)
    """Of the ID token; None takes a claim out."""
    profile: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    token_answer: tuple[int, dict[str, Any]] | None = None
    signer: Any = None
    """`(key, algorithm, header)` in place of the right ones."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    keys_away: int = 0
    """How often the keys are asked for in vain."""
    tokens: set[str] = field(default_factory=set)
    given: list[str] = field(default_factory=list)
    """Every ID token it made."""
    asked: list[dict[str, str]] = field(default_factory=list)

    async def metadata(self, _request: Request) -> Response:
        endpoints = {
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
        }
        return JSONResponse({"issuer": self.url, **endpoints, **self.discovery})

    async def jwks(self, _request: Request) -> Response:
        if self.keys_away > 0:
            self.keys_away -= 1
            return JSONResponse({}, 503)
        member = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return JSONResponse({"keys": [{**member, "kid": KEY_ID, "use": "sig", "alg": "ES256"}]})

    async def authorize(self, request: Request) -> Response:
        """The person agrees at once."""
        asked = dict(request.query_params)
        self.asked.append(asked)
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def token(self, request: Request) -> Response:
        """Exchange a code, once, for the client it was given to, its redirect address and its verifier."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        known = request.headers.get("authorization") == f"Basic {basic}"
        known = known or (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or not known or form.get("redirect_uri") != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if challenge.rstrip(b"=").decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant", "error_description": "PKCE"}, 400)
        if self.token_answer is not None:
            return JSONResponse(self.token_answer[1], self.token_answer[0])
        self.tokens.add(token := secrets.token_urlsafe(16))
        answer = {"access_token": token, "token_type": "bearer", "expires_in": 3600}
        if self.claims:
            self.given.append(self._id_token(asked))
            answer["id_token"] = self.given[-1]
        return JSONResponse(answer)

    async def me(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return JSONResponse(self.profile) if token in self.tokens else JSONResponse({"code": -401}, 401)

    def _id_token(self, asked: dict[str, str]) -> str:
        moment = int(time.time())
        said = {"iss": self.url, "aud": CLIENT_ID, "iat": moment, "exp": moment + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**said, **self.claims}.items() if value is not None}
        key, algorithm, headers = self.signer or (self.key, "ES256", {"kid": KEY_ID})
        return jwt.encode(claims, key, algorithm, headers=headers)


@contextmanager
def wire_provider() -> Iterator[WireProvider]:
    """Run one in a thread, on a port of its own choosing."""
    provider = WireProvider()
    routes = [
        Route("/.well-known/openid-configuration", provider.metadata),
        Route("/jwks", provider.jwks),
        Route("/authorize", provider.authorize),
        Route("/token", provider.token, methods=["POST"]),
        Route("/me", provider.me),
    ]
    listening = socket.create_server(("127.0.0.1", 0))
    provider.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()
