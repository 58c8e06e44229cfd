"""What the tests of other providers share: a browser that goes there and back, and settings that know them."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from auth.config import Settings
from kit.db import Database
from sqlalchemy import text

from services.auth.tests.people import Person
from services.auth.tests.wire_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    WireProvider,
)

OAUTH = "/api/v1/auth/oauth"
EMAIL = "haneul.kim@example.com"
PROVIDER_SECONDS_MAX = 60
VERIFIED: dict[str, Any] = {"sub": "subject-1", "email": EMAIL, "email_verified": True, "name": "김하늘"}


def configured(settings: Settings, wire: WireProvider, **more: dict[str, str]) -> Settings:
    known = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    endpoints = {
        "authorize_url": f"{wire.url}/authorize",
        "token_url": f"{wire.url}/token",
        "profile_url": f"{wire.url}/me",
    }
    providers = {
        "google": {"kind": "oidc", "issuer": wire.url, **known},
        "other": {"kind": "oidc", "issuer": wire.url, **known},
        "kakao": {"kind": "kakao", **known, **endpoints},
        "naver": {"kind": "naver", **known, **endpoints},
        **more,
    }
    given = settings.model_dump() | {"oauth_providers": providers}
    return Settings(**given)


@dataclass
class Browser:
    """A browser that was sent to a provider: its cookie, and where it is."""

    http: httpx.AsyncClient
    cookie: str
    at: str

    @classmethod
    def sent(cls, http: httpx.AsyncClient, answer: httpx.Response, to: str) -> "Browser":
        cookie = answer.headers["set-cookie"]
        for attribute in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert attribute in cookie
        return cls(http, cookie.partition(";")[0], to)

    async def agrees(self) -> str:
        """Agree at the provider; return where it sends the browser back to."""
        async with httpx.AsyncClient() as outside:
            answer = await outside.get(self.at)
        assert answer.status_code == 307, answer.text
        return answer.headers["location"]

    async def returns(self, location: str, **headers: str) -> httpx.Response:
        parts = urlsplit(location)
        return await self.http.get(f"{parts.path}?{parts.query}", headers={"Cookie": self.cookie, **headers})

    async def finishes(
        self, returned: httpx.Response, otp: str | None = None, passkey: dict[str, Any] | None = None
    ) -> httpx.Response:
        assert returned.status_code == 303, returned.text
        ticket = urlsplit(returned.headers["location"]).fragment.removeprefix("ticket=")
        shown = {name: value for name, value in {"otp": otp, "passkey": passkey}.items() if value is not None}
        body = {"ticket": ticket, **shown}
        return await self.http.post(f"{OAUTH}/finish", json=body, headers={"Cookie": self.cookie})


async def start(http: httpx.AsyncClient, provider: str = "google") -> Browser:
    answer = await http.get(f"{OAUTH}/{provider}/start")
    assert answer.status_code == 302, answer.text
    return Browser.sent(http, answer, answer.headers["location"])


async def log_in(http: httpx.AsyncClient, provider: str = "google") -> httpx.Response:
    """Go to the provider and back, and finish."""
    browser = await start(http, provider)
    returned = await browser.returns(await browser.agrees())
    return returned if returned.status_code != 303 else await browser.finishes(returned)


async def email_of(http: httpx.AsyncClient, tokens: httpx.Response) -> str:
    bearer = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
    return str((await http.get("/api/v1/users/profile", headers=bearer)).json()["email"])


async def column(database: Database, statement: str) -> list[Any]:
    async with database.system() as session:
        return list((await session.scalars(text(statement))).all())


@asynccontextmanager
async def oidc_process() -> AsyncIterator[str]:
    """Run oidc-provider-mock as the process it is, with one person who can log in there."""
    async with asyncio.timeout(PROVIDER_SECONDS_MAX):
        while (started := await _start_provider()) is None:
            pass  # between the choice of a port and its use somebody else took it
    issuer, process = started
    try:
        yield issuer
    finally:
        process.terminate()
        await process.wait()


async def _start_provider() -> tuple[str, asyncio.subprocess.Process] | None:
    """Start one on a port that is free now; None when it ended, since it takes no port as it comes."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "oidc_provider_mock", "-p", str(port), "-n", "true"),
        *("--user-claims", json.dumps(VERIFIED)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(timeout=PROVIDER_SECONDS_MAX) as outside:
            while process.returncode is None:
                with suppress(httpx.TransportError, ValueError):
                    found = await outside.get(f"{issuer}/.well-known/openid-configuration")
                    if found.json()["issuer"] == issuer:
                        return issuer, process
                await asyncio.sleep(0.1)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return None


async def link(person: Person, provider: str) -> httpx.Response:
    answer = await person.http.post(f"{OAUTH}/{provider}/link", headers=person.bearer)
    assert answer.status_code == 200, answer.text
    browser = Browser.sent(person.http, answer, answer.json()["authorization_url"])
    return await browser.returns(await browser.agrees())
