"""What the lines to LS and Kiwoom share: every call is a POST told apart by a header, and lists go on by headers."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

import httpx

from broker.adapters.daylist import No
from broker.adapters.line import Token, TokenRefused, request
from broker.adapters.port import Unreachable

PAGES_MAX: Final = 200
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a list goes on: the key to send back, and the place it stands for, which must differ from page to page."""

    key: str = ""
    place: str = ""


class PostedCalls(ABC):
    """One key's line. A broker adds its headers, its token, and how its answers are read."""

    TITLE: ClassVar[str]

    def __init__(self, http: httpx.AsyncClient, clock: Callable[[], datetime], token: Token | None) -> None:
        self._http = http
        self.clock = clock
        self._token = token or Token(title=self.TITLE)

    async def current_token(self) -> str:
        """A token, for a call or for the stream."""
        return await self._token.current(self.clock, self._issue)

    @abstractmethod
    async def _issue(self) -> tuple[str, datetime]:
        """Ask the broker for a token; what it is, and until when."""

    @abstractmethod
    def _read(self, status: int, text: str) -> Body | No:
        """The body of an answer, or the house's refusal; raises what a failure means."""

    async def _post(self, path: str, headers: Mapping[str, str], body: Body) -> tuple[Body | No, httpx.Headers]:
        token = await self.current_token()
        await self._token.turn()
        whole = {"authorization": f"Bearer {token}", **headers}
        try:
            async with self._token.judged():
                answer = await request(self._http, self.TITLE, "POST", path, headers=whole, json=body)
                return self._read(answer.status_code, answer.text), answer.headers
        except TokenRefused:
            self._token.forget(token)
            raise

    async def _walk(self, name: str, ask: Callable[[Mark], Awaitable[tuple[Body | No, Mark | None]]]) -> list[Body]:
        """Every page of a list; `ask` gives the one at a mark, and the mark of the next (None: that was the last).

        Raises:
            Unreachable: when a page is missing, refused or repeats itself: half a list is no evidence of absence.
        """
        found: list[Body] = []
        mark = Mark()
        while len(found) < PAGES_MAX:
            body, following = await ask(mark)
            if isinstance(body, No):
                raise Unreachable(f"{self.TITLE} does not show {name}: {body.text}")
            found.append(body)
            if following is None:
                return found
            if not following.key or following.place == mark.place:
                raise Unreachable(f"{self.TITLE} says there is more of {name}, and not where")
            mark = following
        raise Unreachable(f"{self.TITLE} shows more than {PAGES_MAX} pages of {name}")
