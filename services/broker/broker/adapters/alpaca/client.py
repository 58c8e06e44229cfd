"""HTTP to Alpaca: two headers, and what each way of failing means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx

from broker.adapters.alpaca import parse
from broker.adapters.daylist import No
from broker.adapters.line import Token, request

TITLE: Final = "Alpaca"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of one account. Nothing of it may be printed."""

    key_id: str = field(repr=False)
    secret_key: str = field(repr=False)


class Client:
    """One key's line to one environment."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: Credentials,
        clock: Callable[[], datetime],
        turns: Token | None = None,
    ) -> None:
        self._http = http
        self.credentials = credentials
        self.clock = clock
        self._turns = turns or Token(title=TITLE)

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any | No:
        """The body of an answer, or why Alpaca certainly did not do it.

        Raises:
            NotSent: when it certainly did not look at it.
            Unreachable: when it may have.
        """
        await self._turns.turn()
        headers = {"APCA-API-KEY-ID": self.credentials.key_id, "APCA-API-SECRET-KEY": self.credentials.secret_key}
        content = {"json": dict(body)} if body is not None else {}
        async with self._turns.judged():
            answer = await request(
                self._http, TITLE, method, f"/v2/{path}", headers=headers, params=dict(query or {}), **content
            )
            return parse.read(answer.status_code, answer.text)
