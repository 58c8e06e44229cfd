"""The outermost layer of auth: while too many wait for a turn to hash, the next is refused before anything is read.

Refused this early, a log-in costs a fraction of one that is parsed, routed, validated and logged, so that a flood
takes little from whoever asks for something else. Who comes by a passkey or another provider needs no hash, and passes.
A few places are kept for browsers that somebody has logged in from, one for each: a flood keeps none of them out.
"""

from typing import Final

from kit.errors import answer
from kit.http import name_request
from prometheus_client import Counter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from auth.api.place import browser_token_of
from auth.device_token import is_ours
from auth.hashing import Crowded
from auth.resources import Resources

HASHING: Final = frozenset(f"/api/v1/auth/{route}" for route in ("login", "register", "password/reset"))
"""What strangers may ask; where a token is wanted first, there is no flood of theirs."""

password_requests_refused = Counter("password_requests_refused", "Refused unread because too many waited to be hashed")


class CrowdGuard:
    """Asks the hasher before each request that would need it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waiting: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 503 with Retry-After."""
        if scope["type"] != "http" or scope["path"] not in HASHING:
            await self._app(scope, receive, send)
            return
        resources: Resources = scope["app"].state.resources
        if not resources.hasher.is_crowded:
            await self._app(scope, receive, send)
            return
        device = browser_token_of(Request(scope))
        if device is None or not self._has_a_place(device, resources):
            await _refuse(scope, receive, send)
            return
        self._waiting.add(device)
        try:
            await self._app(scope, receive, send)
        finally:
            self._waiting.discard(device)

    def _has_a_place(self, device: str, resources: Resources) -> bool:
        return device not in self._waiting and not resources.hasher.is_full and is_ours(device, resources.sealer)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    password_requests_refused.inc()
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    name_request(given.decode("latin-1"))
    await answer(Crowded())(scope, receive, send)
