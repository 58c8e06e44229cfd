"""HTTP to LS: every call is a POST, told apart by the header `tr_cd`; pages by headers, and by fields of the body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from broker.adapters.daylist import No
from broker.adapters.line import Token, request
from broker.adapters.ls import parse
from broker.adapters.port import NotSent, Unreachable

TITLE: Final = "LS"
PAGES_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of one account. Nothing of it may be printed."""

    app_key: str = field(repr=False)
    app_secret: str = field(repr=False)


class Client:
    """One key's line."""

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

    async def call(self, path: str, name: str, fields: Mapping[str, Any], block: str = "InBlock1") -> Any | No:
        """The body of one answer."""
        body, _, _ = await self._send(path, name, {f"{name}{block}": dict(fields)}, "")
        return body

    async def pages(self, path: str, name: str, fields: Mapping[str, Any], mark: str) -> list[Mapping[str, Any]]:
        """Every page of a list; `mark` is the field of the body that goes on from page to page.

        Raises:
            Unreachable: when a page is missing, refused or repeats itself: half a list is no evidence of absence.
        """
        found: list[Mapping[str, Any]] = []
        key, place = "", ""
        while len(found) < PAGES_MAX:
            body, more, next_key = await self._send(path, name, {f"{name}InBlock": {**fields, mark: place}}, key)
            if isinstance(body, No):
                raise Unreachable(f"LS does not show {name}: {body.text}")
            found.append(body)
            if not more:
                return found
            following = str(body.get(f"{name}OutBlock", {}).get(mark, ""))
            if not next_key or following == place:
                raise Unreachable(f"LS says there is more of {name}, and not where")
            key, place = next_key, following
        raise Unreachable(f"LS shows more than {PAGES_MAX} pages of {name}")

    async def current_token(self) -> str:
        """A token, for the stream."""
        return await self._token.current(self.clock, self._issue)

    async def _send(
        self, path: str, name: str, body: Mapping[str, Any], key: str
    ) -> tuple[Mapping[str, Any] | No, bool, str]:
        token = await self.current_token()
        await self._token.turn()
        headers = {
            "content-type": "application/json; charset=utf-8",
            "authorization": f"Bearer {token}",
            "tr_cd": name,
            "tr_cont": "Y" if key else "N",
            "tr_cont_key": key,
            "mac_address": "",
        }
        try:
            with self._token.judged():
                answer = await request(self._http, TITLE, "POST", path, headers=headers, json=body)
                read = parse.read(answer.status_code, answer.text)
        except parse.TokenRefused:
            self._token.forget(token)
            raise
        return read, answer.headers.get("tr_cont") == "Y", answer.headers.get("tr_cont_key", "")

    async def _issue(self) -> tuple[str, datetime]:
        keys = {"appkey": self._credentials.app_key, "appsecretkey": self._credentials.app_secret}
        form = {"grant_type": "client_credentials", "scope": "oob"} | keys
        try:
            answer = await request(self._http, TITLE, "POST", "/oauth2/token", data=form)
        except Unreachable as failed:
            raise NotSent(str(failed)) from None
        text, seconds = parse.token(answer.status_code, answer.text)
        return text, self.clock() + timedelta(seconds=seconds)
