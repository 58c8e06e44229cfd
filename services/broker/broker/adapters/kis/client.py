"""HTTP to KIS: headers, the two environments, the token, and what each way of failing means.

A connection that never came about is `NotSent`. Whatever breaks after that leaves a doubt, unless the gate itself says
that it turned the call away.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import httpx
from kit.json import dumps_text, loads

from broker.adapters.daylist import No
from broker.adapters.kis import parse
from broker.adapters.port import NotSent, RateLimited, Unreachable

Environment = Literal["paper", "real"]
TRADING: Final = "/uapi/domestic-stock/v1/trading/"
PAGES_MAX: Final = 200
"""At 15 rows a page, more orders than an account places in a day."""
TURN_SECONDS_MAX: Final = 3.0
TOKENS_MAX: Final = 10_000
TOKEN_EVERY: Final = timedelta(minutes=1)
TOKEN_MARGIN: Final = timedelta(minutes=10)
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class KeyRefused(NotSent):
    """KIS does not know this key, or not with this secret."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of one account. Nothing of it may be printed."""

    app_key: str = field(repr=False)
    app_secret: str = field(repr=False)
    account: str = field(repr=False)
    product: str = field(default="01", repr=False)


@dataclass
class Token:
    """The one token of a key: asked for at most once a minute, whoever needs it and however often it fails.

    Its calls take turns, so that KIS, which counts them, need not turn one away; a turn too far off is refused here.
    """

    calls_per_second: int = 0
    """0 for no turns."""
    next_turn: float = 0.0

    text: str = field(default="", repr=False)
    until: datetime | None = None
    asked_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def current(
        self, clock: Callable[[], datetime], issue: Callable[[], Awaitable["tuple[str, datetime]"]]
    ) -> str:
        """A token with some life left.

        Raises:
            NotSent: when there is none, and it is too soon to ask again.
        """
        async with self.lock:
            now = clock()
            if self.text and self.until is not None and now < self.until - TOKEN_MARGIN:
                return self.text
            if self.asked_at is not None and now - self.asked_at < TOKEN_EVERY:
                raise NotSent("KIS issues one token a minute, and the last one is not valid any more")
            self.asked_at = now
            self.text, self.until = await issue()
            return self.text

    async def turn(self) -> None:
        """Wait for a turn.

        Raises:
            RateLimited: when so many wait already that this would take too long.
        """
        if not self.calls_per_second:
            return
        now = time.monotonic()
        wait = max(0.0, self.next_turn - now)
        if wait > TURN_SECONDS_MAX:
            raise RateLimited("too many calls of this key wait for KIS already")
        self.next_turn = now + wait + 1 / self.calls_per_second
        await asyncio.sleep(wait)

    def forget(self, text: str) -> None:
        """KIS refused this token."""
        if self.text == text:
            self.text = ""


class Tokens:
    """The tokens of a process: one for each key, for as long as the process lives."""

    def __init__(self) -> None:
        self._known: dict[bytes, Token] = {}

    def of(self, environment: Environment, credentials: Credentials, calls_per_second: int) -> Token:
        """The token of a key with its secret, asked for by whoever needs it first."""
        text = f"{environment}|{credentials.app_key}|{credentials.app_secret}"
        if len(self._known) >= TOKENS_MAX:
            self._known.pop(next(iter(self._known)))
        return self._known.setdefault(hashlib.sha256(text.encode()).digest(), Token(calls_per_second))


class Client:
    """One key's line to one environment."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        environment: Environment,
        credentials: Credentials,
        clock: Callable[[], datetime],
        token: Token | None = None,
    ) -> None:
        self._http = http
        self._credentials = credentials
        self.environment = environment
        self.clock = clock
        self._token = token or Token()

    def transaction(self, name: str) -> str:
        """The name of a transaction: on paper the first letter is a V."""
        return name if self.environment == "real" else f"V{name[1:]}"

    @property
    def account(self) -> dict[str, str]:
        return {"CANO": self._credentials.account, "ACNT_PRDT_CD": self._credentials.product}

    async def post(self, call: str, transaction: str, fields: Mapping[str, str]) -> Mapping[str, Any] | No:
        """Ask for something to be done."""
        body = dumps_text(self.account | dict(fields))
        answer = await self._send("POST", TRADING + call, self.transaction(transaction), "", {"content": body})
        return parse.read(answer.status_code, answer.text)

    async def pages(self, call: str, transaction: str, fields: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """Every page of a list.

        Raises:
            Unreachable: when a page is missing, refused or repeats itself: half a list is no evidence of absence.
        """
        found: list[Mapping[str, Any]] = []
        more, mark = "", ("", "")
        while len(found) < PAGES_MAX:
            query = self.account | dict(fields) | {"CTX_AREA_FK100": mark[0], "CTX_AREA_NK100": mark[1]}
            answer = await self._send("GET", TRADING + call, self.transaction(transaction), more, {"params": query})
            body = parse.read(answer.status_code, answer.text)
            if isinstance(body, No):
                raise Unreachable(f"KIS does not show {call}: {body.text}")
            found.append(body)
            next_mark = (str(body.get("ctx_area_fk100", "")), str(body.get("ctx_area_nk100", "")))
            if answer.headers.get("tr_cont", "").strip() not in {"F", "M"}:
                return found
            if next_mark == mark:
                raise Unreachable(f"KIS shows the same page of {call} again")
            more, mark = "N", next_mark
        raise Unreachable(f"KIS shows more than {PAGES_MAX} pages of {call}")

    async def _send(
        self, method: str, path: str, transaction: str, page: str, content: Mapping[str, Any]
    ) -> httpx.Response:
        token = await self._token.current(self.clock, self._issue)
        await self._token.turn()
        headers = {
            "content-type": "application/json; charset=utf-8",
            "authorization": f"Bearer {token}",
            "appkey": self._credentials.app_key,
            "appsecret": self._credentials.app_secret,
            "tr_id": transaction,
            "tr_cont": page,
            "custtype": "P",
        }
        answer = await self._request(method, path, headers=headers, **content)
        try:
            parse.read(answer.status_code, answer.text)
        except parse.TokenRefused:
            self._token.forget(token)
            raise
        except (NotSent, Unreachable):
            pass  # whoever asked reads the answer, and knows what it means there
        return answer

    async def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, **content)
        except _NEVER_LEFT as failed:
            raise NotSent(f"no connection to KIS: {type(failed).__name__}") from failed
        except httpx.HTTPError as failed:  # never its text, which may hold the address and what was sent
            raise Unreachable(f"the line to KIS broke: {type(failed).__name__}") from None

    async def _issue(self) -> tuple[str, datetime]:
        keys = {"appkey": self._credentials.app_key, "appsecret": self._credentials.app_secret}
        try:
            answer = await self._request("POST", "/oauth2/tokenP", json={"grant_type": "client_credentials"} | keys)
            body = loads(answer.text)
            return str(body["access_token"]), self.clock() + timedelta(seconds=int(body["expires_in"]))
        except Unreachable as failed:
            raise NotSent(str(failed)) from None
        except (ValueError, KeyError, TypeError):
            code = body.get("error_code", "") if isinstance(body, dict) else ""
            if code == "EGW00133":
                raise RateLimited("KIS issues one token a minute") from None
            if code in {"EGW00103", "EGW00105"}:
                raise KeyRefused(f"KIS issues no token for this key ({code})") from None
            raise NotSent(f"KIS issues no token now ({code or 'no reason given'})") from None
