"""HTTP to Kiwoom: every call is a POST, told apart by the header `api-id`; pages are in headers alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx

from broker.adapters.daylist import No
from broker.adapters.kiwoom import parse
from broker.adapters.line import KeyRefused, Token, request
from broker.adapters.port import NotSent, Unreachable

TITLE: Final = "Kiwoom"
FOLDER: Final = "/api/dostk/"
PAGES_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of one account. Nothing of it may be printed."""

    app_key: str = field(repr=False)
    secret_key: str = field(repr=False)


class Client:
    """One key's line to one environment."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: Credentials,
        clock: Callable[[], datetime],
        token: Token | None = None,
    ) -> None:
        self._http = http
        self._credentials = credentials
        self.clock = clock
        self._token = token or Token(title=TITLE)

    async def call(self, folder: str, name: str, fields: Mapping[str, str]) -> Mapping[str, Any] | No:
        """The body of one answer."""
        body, _, _ = await self._send(folder, name, fields, "")
        return body

    async def pages(self, folder: str, name: str, fields: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """Every page of a list.

        Raises:
            Unreachable: when a page is missing, refused or repeats itself: half a list is no evidence of absence.
        """
        found: list[Mapping[str, Any]] = []
        key = ""
        while len(found) < PAGES_MAX:
            body, more, next_key = await self._send(folder, name, fields, key)
            if isinstance(body, No):
                raise Unreachable(f"Kiwoom does not show {name}: {body.text}")
            found.append(body)
            if not more:
                return found
            if not next_key or next_key == key:
                raise Unreachable(f"Kiwoom says there is more of {name}, and not where")
            key = next_key
        raise Unreachable(f"Kiwoom shows more than {PAGES_MAX} pages of {name}")

    async def current_token(self) -> str:
        """A token, for the stream."""
        return await self._token.current(self.clock, self._issue)

    async def _send(
        self, folder: str, name: str, fields: Mapping[str, str], key: str
    ) -> tuple[Mapping[str, Any] | No, bool, str]:
        token = await self.current_token()
        await self._token.turn()
        headers = {
            "content-type": "application/json;charset=UTF-8",
            "authorization": f"Bearer {token}",
            "api-id": name,
            "cont-yn": "Y" if key else "N",
            "next-key": key,
        }
        try:
            with self._token.judged():
                answer = await request(self._http, TITLE, "POST", FOLDER + folder, headers=headers, json=dict(fields))
                body = parse.read(answer.status_code, answer.text)
        except parse.TokenRefused:
            self._token.forget(token)
            raise
        return body, answer.headers.get("cont-yn") == "Y", answer.headers.get("next-key", "").strip()

    async def _issue(self) -> tuple[str, datetime]:
        keys = {"appkey": self._credentials.app_key, "secretkey": self._credentials.secret_key}
        try:
            answer = await request(
                self._http, TITLE, "POST", "/oauth2/token", json={"grant_type": "client_credentials"} | keys
            )
            body = parse.read(answer.status_code, answer.text)
        except parse.TokenRefused as failed:
            raise KeyRefused(str(failed)) from None
        except Unreachable as failed:
            raise NotSent(str(failed)) from None
        if isinstance(body, No):
            raise NotSent(f"Kiwoom issues no token now: {body.text}")
        return parse.token(body)
