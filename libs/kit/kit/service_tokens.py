"""A token that proves a service to the others: asked for with its own secret, and kept while it is good."""

import asyncio
import time
from collections.abc import AsyncGenerator
from http import HTTPStatus

import httpx
from pydantic import BaseModel, Field, ValidationError

from kit.errors import Unavailable

RENEW_BEFORE_SECONDS = 60
LIFETIME_SECONDS_MAX = 3_600


class _Token(BaseModel):
    access_token: str
    expires_in: int = Field(ge=1, le=LIFETIME_SECONDS_MAX)


class ServiceTokens(httpx.Auth):
    """Our own access token, asked for when first needed and renewed a minute before it expires: `get(url, auth=this)`.

    A request that is refused is sent once more with a new token: auth may have changed its keys. What cannot be proved
    raises Unavailable.
    """

    def __init__(self, http: httpx.AsyncClient, auth_url: str, service: str, secret: str) -> None:
        """Ask at `auth_url` as the service of this name."""
        self._http = http
        self._service = service
        self._url = f"{auth_url.rstrip('/')}/internal/service-token"
        self._secret = secret
        self._token: str | None = None
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """Return a token that is good for a while.

        Raises:
            Unavailable: when auth cannot be reached or refuses us.
        """
        async with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                token = await self._ask()
                self._token = token.access_token
                self._renew_at = time.monotonic() + max(token.expires_in - RENEW_BEFORE_SECONDS, token.expires_in / 2)
            return self._token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Prove who asks, twice if need be."""
        token = await self.current()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            if self._token == token:
                self._token = None
            request.headers["Authorization"] = f"Bearer {await self.current()}"
            yield request

    async def _ask(self) -> _Token:
        try:
            answer = await self._http.post(self._url, json={"service": self._service, "secret": self._secret})
            answer.raise_for_status()
            return _Token.model_validate_json(answer.content)
        except (httpx.HTTPError, ValidationError) as failed:
            raise Unavailable(f"auth gives us no service token: {type(failed).__name__}") from failed
