"""HTTP to Kiwoom: calls are told apart by the header `api-id`; pages are in headers alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final

import httpx

from broker.adapters.daylist import No
from broker.adapters.kiwoom import parse
from broker.adapters.line import KeyRefused, Token, TokenRefused, request
from broker.adapters.port import NotSent, Unreachable
from broker.adapters.posted import Body, Mark, PostedCalls

FOLDER: Final = "/api/dostk/"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of one account. Nothing of it may be printed."""

    app_key: str = field(repr=False)
    secret_key: str = field(repr=False)


class Client(PostedCalls):
    """One key's line to one environment."""

    TITLE: ClassVar[str] = "Kiwoom"

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: Credentials,
        clock: Callable[[], datetime],
        token: Token | None = None,
    ) -> None:
        super().__init__(http, clock, token)
        self._credentials = credentials

    async def call(self, folder: str, name: str, fields: Mapping[str, str]) -> Body | No:
        """The body of one answer."""
        body, _ = await self._post(FOLDER + folder, _headers(name, ""), dict(fields))
        return body

    async def pages(self, folder: str, name: str, fields: Mapping[str, str]) -> list[Body]:
        """Every page of a list."""

        async def ask(at: Mark) -> tuple[Body | No, Mark | None]:
            body, key = await self.page(folder, name, fields, at.key)
            return body, None if key is None else Mark(key, key)

        return await self._walk(name, ask)

    async def page(self, folder: str, name: str, fields: Mapping[str, str], key: str) -> tuple[Body | No, str | None]:
        """One page of a list, and the key of the next one: None after the last, empty when Kiwoom forgot to say it."""
        body, headers = await self._post(FOLDER + folder, _headers(name, key), dict(fields))
        return body, headers.get("next-key", "").strip() if headers.get("cont-yn") == "Y" else None

    def _read(self, status: int, text: str) -> Body | No:
        return parse.read(status, text)

    async def _issue(self) -> tuple[str, datetime]:
        keys = {"appkey": self._credentials.app_key, "secretkey": self._credentials.secret_key}
        asked = {"grant_type": "client_credentials"} | keys
        try:
            answer = await request(self._http, self.TITLE, "POST", "/oauth2/token", json=asked)
            body = parse.read(answer.status_code, answer.text)
        except TokenRefused as failed:
            raise KeyRefused(str(failed)) from None
        except Unreachable as failed:
            raise NotSent(str(failed)) from None
        if isinstance(body, No):
            raise NotSent(f"Kiwoom issues no token now: {body.text}")
        return parse.token(body)


def _headers(name: str, key: str) -> dict[str, str]:
    paging = {"cont-yn": "Y" if key else "N", "next-key": key}
    return {"content-type": "application/json;charset=UTF-8", "api-id": name} | paging
