"""`Idempotency-Key`: a mutation sent again under the same key gets the first answer again, byte for byte.

The key, what the request did and what was answered are written in one transaction: there is no state in between that a
crash could leave behind, and nothing to recover. While that transaction runs, an advisory lock of it tells a second
request so. An error that undid everything is not remembered: nothing happened, and the key may be used again.

A router opts in by `APIRouter(route_class=IdempotentRoute)`; it works for routes that ask for an `OwnedSession`. A
refusal that is to be kept (a denied order) is returned as an answer (`kit.errors.answer`), and not raised.
"""

import hashlib
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from kit.clock import now
from kit.db import SESSION_OPENED, Session

from trading.errors import KeyReused, KeyUnusable, StillRunning
from trading.store import answers
from trading.store.answers import Answer

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotency-Replayed": "true"}
KEY_LENGTH_MAX = 255


class Replay(Exception):
    """Carries the answer that was given before."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass
class Claim:
    """One request's hold on its key, for as long as its transaction lives."""

    route: str
    key: str
    fingerprint: bytes
    session: Session | None = None
    owner: UUID | None = None

    async def begin(self, session: Session, owner: UUID) -> None:
        """Take the key, as the first thing of the transaction; raise when it is taken, or answered already."""
        if not await answers.lock(session, owner, self.route, self.key):
            raise StillRunning("The first request with this key is still running: try again in a second.")
        earlier = await answers.find(session, owner, self.route, self.key)
        if earlier is not None:
            if earlier.fingerprint != self.fingerprint:
                raise KeyReused("This key was sent before with another body: choose a new key for a new request.")
            raise Replay(Response(earlier.body, earlier.status, REPLAYED, media_type=earlier.media_type))
        self.session, self.owner = session, owner

    async def keep(self, response: Response) -> None:
        """Write down the answer, in the transaction that it speaks of. Without one, nothing was done."""
        if self.session is None or self.owner is None:
            return
        given = Answer(
            self.fingerprint, response.status_code, response.headers.get("content-type"), bytes(response.body)
        )
        await answers.save(self.session, self.owner, self.route, self.key, given, now())


class IdempotentRoute(APIRoute):
    """A route whose mutations take an `Idempotency-Key`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler: it ends before its transaction does, so the answer can still be written into it."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            claim = await claim_of(request)
            if claim is None:
                return await handle(request)
            request.scope[SESSION_OPENED] = claim.begin
            try:
                response = await handle(request)
            except Replay as replay:
                return replay.response
            await claim.keep(response)
            return response

        return handle_once


async def claim_of(request: Request) -> Claim | None:
    """The hold that a request wants on its key; None for one that sends no key, or changes nothing.

    Raises:
        KeyUnusable: when the key is none.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method in {"GET", "HEAD", "OPTIONS"}:
        return None
    if not (0 < len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise KeyUnusable(f"A key is 1 to {KEY_LENGTH_MAX} printable ASCII characters; a UUID is a good one.")
    return Claim(f"{request.method} {request.url.path}", key, await fingerprint_of(request))


async def fingerprint_of(request: Request) -> bytes:
    """Digest what is asked: the query, and the body with its spaces and the sequence of its fields evened out."""
    body = await request.body()
    with suppress(ValueError, RecursionError):  # not JSON, or none that anybody means: the bytes as they are
        body = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(request.url.query.encode() + b"\n" + body).digest()
