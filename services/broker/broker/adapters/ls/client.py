"""HTTP to LS: calls are told apart by the header `tr_cd`; pages by headers, and by fields of the body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import httpx

from broker.adapters.daylist import No
from broker.adapters.line import Token, request
from broker.adapters.ls import parse
from broker.adapters.port import NotSent, Unreachable
from broker.adapters.posted import Body, Mark, PostedCalls

_BETWEEN: Final = "|"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of one account. Nothing of it may be printed."""

    app_key: str = field(repr=False)
    app_secret: str = field(repr=False)


class Client(PostedCalls):
    """One key's line."""

    TITLE: ClassVar[str] = "LS"

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: Credentials,
        clock: Callable[[], datetime],
        token: Token | None = None,
    ) -> None:
        super().__init__(http, clock, token)
        self._credentials = credentials

    async def call(self, path: str, name: str, fields: Mapping[str, Any], block: str = "InBlock1") -> Any | No:
        """The body of one answer."""
        body, _ = await self._post(path, _headers(name, ""), {f"{name}{block}": dict(fields)})
        return body

    async def pages(self, path: str, name: str, fields: Mapping[str, Any], *marks: str) -> list[Body]:
        """Every page of a list; `marks` are the fields of the body that go on from page to page."""

        async def ask(at: Mark) -> tuple[Body | No, Mark | None]:
            places = at.place.split(_BETWEEN) if at.place else [""] * len(marks)
            asked = {f"{name}InBlock": {**fields, **dict(zip(marks, places, strict=True))}}
            body, headers = await self._post(path, _headers(name, at.key), asked)
            if isinstance(body, No) or headers.get("tr_cont") != "Y":
                return body, None
            block = body.get(f"{name}OutBlock", {})
            place = _BETWEEN.join(str(block.get(mark, "")) for mark in marks)
            return body, Mark(headers.get("tr_cont_key", ""), place)

        return await self._walk(name, ask)

    def _read(self, status: int, text: str) -> Body | No:
        return parse.read(status, text)

    async def _issue(self) -> tuple[str, datetime]:
        keys = {"appkey": self._credentials.app_key, "appsecretkey": self._credentials.app_secret}
        form = {"grant_type": "client_credentials", "scope": "oob"} | keys
        try:
            answer = await request(self._http, self.TITLE, "POST", "/oauth2/token", data=form)
        except Unreachable as failed:
            raise NotSent(str(failed)) from None
        text, seconds = parse.token(answer.status_code, answer.text)
        return text, self.clock() + timedelta(seconds=seconds)


def _headers(name: str, key: str) -> dict[str, str]:
    paging = {"tr_cont": "Y" if key else "N", "tr_cont_key": key}
    return {"content-type": "application/json; charset=utf-8", "tr_cd": name, "mac_address": ""} | paging
