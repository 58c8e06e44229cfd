"""HTTP to KIS: headers, the two environments, the token, and what each way of failing means.

A connection that never came about is `NotSent`. Whatever breaks after that leaves a doubt, unless the gate itself says
that it turned the call away.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import httpx
from kit.json import dumps_text, loads

from broker.adapters.daylist import No
from broker.adapters.kis import parse
from broker.adapters.line import KeyRefused, Token, TokenRefused, request
from broker.adapters.port import NotSent, RateLimited, Unreachable

Environment = Literal["paper", "real"]
PAGES_MAX: Final = 200
"""At 15 rows a page, more orders than an account places in a day."""


_OF_ACCOUNTS: Final = frozenset("TJC")
"""The first letters of transactions that are others on paper; quotes have the same name everywhere."""
_ON_PAPER: Final = {"TTTT1006U": "VTTT1001U"}
"""The one that does not follow the rule: selling in the United States."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """One of KIS's two ledgers: where its calls are, and what its paging marks are called."""

    folder: str
    mark: str


DOMESTIC: Final = Ledger("/uapi/domestic-stock/v1/trading/", "100")
OVERSEAS: Final = Ledger("/uapi/overseas-stock/v1/trading/", "200")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of one account. Nothing of it may be printed."""

    app_key: str = field(repr=False)
    app_secret: str = field(repr=False)
    account: str = field(repr=False)
    product: str = field(default="01", repr=False)


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
        self._token = token or Token(title="KIS")

    def transaction(self, name: str) -> str:
        """The name of a transaction: on paper the first letter is a V, with one exception."""
        if self.environment == "real" or name[0] not in _OF_ACCOUNTS:
            return name
        return _ON_PAPER.get(name, f"V{name[1:]}")

    @property
    def account(self) -> dict[str, str]:
        return {"CANO": self._credentials.account, "ACNT_PRDT_CD": self._credentials.product}

    async def post(
        self, call: str, transaction: str, fields: Mapping[str, str], ledger: Ledger = DOMESTIC
    ) -> Mapping[str, Any] | No:
        """Ask for something to be done."""
        body = dumps_text(self.account | dict(fields))
        answer = await self._send("POST", ledger.folder + call, self.transaction(transaction), "", {"content": body})
        return parse.read(answer.status_code, answer.text)

    async def ask(self, path: str, transaction: str, query: Mapping[str, str]) -> Mapping[str, Any] | No:
        """Ask what no account is needed for."""
        answer = await self._send("GET", path, self.transaction(transaction), "", {"params": query})
        return parse.read(answer.status_code, answer.text)

    async def pages(
        self, call: str, transaction: str, fields: Mapping[str, str], ledger: Ledger = DOMESTIC
    ) -> list[Mapping[str, Any]]:
        """Every page of a list.

        Raises:
            Unreachable: when a page is missing, refused or repeats itself: half a list is no evidence of absence.
        """
        found: list[Mapping[str, Any]] = []
        more, mark = "", ("", "")
        names = (f"ctx_area_fk{ledger.mark}", f"ctx_area_nk{ledger.mark}")
        while len(found) < PAGES_MAX:
            query = self.account | dict(fields) | {names[0].upper(): mark[0], names[1].upper(): mark[1]}
            path = ledger.folder + call
            answer = await self._send("GET", path, self.transaction(transaction), more, {"params": query})
            body = parse.read(answer.status_code, answer.text)
            if isinstance(body, No):
                raise Unreachable(f"KIS does not show {call}: {body.text}")
            found.append(body)
            next_mark = (str(body.get(names[0], "")), str(body.get(names[1], "")))
            if answer.headers.get("tr_cont", "").strip() not in {"F", "M"}:
                return found
            if next_mark == mark:
                raise Unreachable(f"KIS shows the same page of {call} again")
            more, mark = "N", next_mark
        raise Unreachable(f"KIS shows more than {PAGES_MAX} pages of {call}")

    def is_mine(self, account: str) -> bool:
        """Whether a number in a notice, with or without the product behind it, is this account's."""
        return account.startswith(self._credentials.account)

    async def approval(self) -> str:
        """A key for one connection to the stream.

        Raises:
            NotSent, Unreachable: when there is none to be had.
        """
        keys = {"appkey": self._credentials.app_key, "secretkey": self._credentials.app_secret}
        body = {"grant_type": "client_credentials"} | keys
        answer = await request(self._http, "KIS", "POST", "/oauth2/Approval", json=body)
        try:
            return str(loads(answer.text)["approval_key"])
        except (ValueError, KeyError, TypeError):
            raise NotSent("KIS gives no key for its stream now") from None

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
        try:
            async with self._token.judged():
                answer = await request(self._http, "KIS", method, path, headers=headers, **content)
                parse.read(answer.status_code, answer.text)
        except TokenRefused:
            self._token.forget(token)
            raise
        return answer

    async def _issue(self) -> tuple[str, datetime]:
        keys = {"appkey": self._credentials.app_key, "appsecret": self._credentials.app_secret}
        try:
            answer = await request(
                self._http, "KIS", "POST", "/oauth2/tokenP", json={"grant_type": "client_credentials"} | keys
            )
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
