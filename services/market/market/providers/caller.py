"""HTTP to a source: a pace, a deadline, a bound on the answer, and which failures are worth a second try."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from kit.json import loads
from kit.trust import trust

from market.providers.port import Blocked, Limited, NotAllowed, Unreachable, Unreadable

TIMEOUT_SECONDS = 20.0
ANSWER_BYTES_MAX = 32 << 20
TRIES_MAX = 3
BACKOFF_SECONDS = 0.5
PATIENCE_SECONDS = 30.0
"""A source that wants to be left alone for longer than this is asked later, not waited for."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    content_type: str
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON, whatever type it claims to be: KRX sends JSON as text/html.

        Raises:
            Unreadable: when it is cut off or no JSON at all.
        """
        try:
            return loads(self.body)
        except ValueError as wrong:
            what = "a page for people" if self.body.lstrip()[:1] == b"<" else "no JSON, or half of one"
            raise Unreadable(f"{what}: {self.body[:60]!r}") from wrong


class Caller:
    """Calls one source, one call at a time, never faster than its pace.

    Args:
        base_url: scheme and host; the paths of a source are appended to it.
        pace_seconds: the least time between the beginnings of two calls.
        headers: sent with every call.
        sleep: how to wait; tests do not.
    """

    def __init__(
        self,
        base_url: str,
        pace_seconds: float,
        headers: Mapping[str, str] | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._host = urlsplit(base_url).netloc
        self._pace = pace_seconds
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._called_at = float("-inf")
        # a redirect may lead elsewhere and lose the key on its way: none is followed
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers=dict(headers or {}),
            verify=trust(),
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    def forget_cookies(self) -> None:
        """Begin a new session with the source."""
        self._client.cookies.clear()

    async def call(self, method: str, path: str, **sent: Any) -> Answer:
        """Ask until there is an answer that is worth reading; 4xx other than 403 and 429 are the caller's to read.

        Raises:
            Unreachable: when three tries brought none.
            Limited: when the source wants fewer calls.
            Blocked: on 403, which sources send to addresses they have shut out, unless it says what is wrong.
        """
        for number in range(TRIES_MAX):
            try:
                answer = await self._call_once(method, path, sent)
            except Unreachable:
                if number == TRIES_MAX - 1:
                    raise
                await self._sleep(BACKOFF_SECONDS * 2**number)
                continue
            except Limited as limited:
                if limited.seconds is None or limited.seconds > PATIENCE_SECONDS or number == TRIES_MAX - 1:
                    raise
                await self._sleep(limited.seconds)
                continue
            return answer
        raise AssertionError("the last try returns or raises")

    async def call_json(self, method: str, path: str, **sent: Any) -> Any:
        """Ask for JSON; half an answer is asked for again.

        Raises:
            Unreadable: when it was no JSON three times.
        """
        for number in range(TRIES_MAX):
            answer = await self.call(method, path, **sent)
            try:
                return answer.json()
            except Unreadable:
                if number == TRIES_MAX - 1 or answer.body.lstrip()[:1] == b"<":
                    raise
            await self._sleep(BACKOFF_SECONDS * 2**number)
        raise AssertionError("the last try returns or raises")

    async def _call_once(self, method: str, path: str, sent: Mapping[str, Any]) -> Answer:
        async with self._turn:
            clock = asyncio.get_running_loop().time
            await self._sleep(max(0.0, self._called_at + self._pace - clock()))
            self._called_at = clock()
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS), self._client.stream(method, path, **sent) as response:
                    body = await _bounded(response)
            except (httpx.HTTPError, TimeoutError) as failed:
                raise Unreachable(f"{self._host} does not answer: {type(failed).__name__}") from failed
        return _worth_reading(self._host, response, body)


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            raise Unreadable(f"an answer of more than {ANSWER_BYTES_MAX >> 20} MiB")
    return bytes(body)


def _worth_reading(host: str, response: httpx.Response, body: bytes) -> Answer:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise Limited(f"{host} wants fewer calls", _retry_after(response.headers.get("Retry-After")))
    if status == httpx.codes.FORBIDDEN and not _is_told_in_json(body):
        raise Blocked(f"{host} answers 403: this address is shut out, or the path is wrong")
    if status == httpx.codes.UNAUTHORIZED:
        raise NotAllowed(f"{host} answers 401: check the key")
    answer = Answer(status, response.headers.get("content-type", ""), body)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR and not _is_told_in_json(body):
        raise Unreachable(f"{host} answers {status}")
    return answer


def _is_told_in_json(body: bytes) -> bool:
    """KIS tells its limits with status 500, and what is wrong with a key with 403: answers, no outage and no block."""
    return body.lstrip()[:1] == b"{" and (b'"rt_cd"' in body or b'"error_code"' in body)


def _retry_after(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def end_of_day(moment: datetime, hours_east: int) -> datetime:
    """The next midnight at a source whose clock is so many hours east of UTC: when its daily counts begin anew."""
    local = moment.timestamp() + hours_east * 3600
    return datetime.fromtimestamp((local // 86_400 + 1) * 86_400 - hours_east * 3600, UTC)
