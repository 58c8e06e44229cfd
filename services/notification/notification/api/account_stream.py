"""/ws/account: what happens to your accounts, as it happens."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from kit.auth import Identity, TokenVerifier
from kit.errors import Unavailable
from kit.websocket import (
    NOT_ALLOWED,
    NOT_AUTHENTICATED,
    QUEUE_MAX,
    RESTARTING,
    TOO_MANY,
    ClientQueue,
    authenticate,
    close,
    receive,
)

from notification.domain.owner import OwnerId
from notification.domain.stream import REPLAY_MAX
from notification.hub import Client, Hub
from notification.resources import Resources
from notification.tasks import stop

router = APIRouter()

START_SECONDS = 0.25
"""How long a client may take to say where it was: until then it is given nothing, so that a resume comes in order."""
FRAMES_PER_MINUTE_MAX = 100
MINUTE_SECONDS = 60
CLOSE_SECONDS_MAX = 5
SEQ_MAX = 1 << 62
EXPECTED = (WebSocketDisconnect, TimeoutError, asyncio.CancelledError)
"""How a conversation ends when the client leaves, stalls, or is left."""


@router.websocket("/ws/account")
async def account_stream(socket: WebSocket) -> None:
    """Serve one client until it leaves, falls behind, sends too much, or its token expires."""
    resources: Resources = socket.app.state.resources
    identity = await authenticate(socket, socket.app.state.verifier)
    if identity is None:
        return
    if identity.role == "service":
        await close(socket, NOT_ALLOWED, "this stream is for people")
        return
    queue = ClientQueue(socket, QUEUE_MAX + REPLAY_MAX)
    client = resources.hub.join(OwnerId(identity.user_id), queue)
    if client is None:
        await close(socket, TOO_MANY, "too many connections of one user")
        return
    try:
        await _serve(socket, identity, resources.hub, client)
    except Unavailable:
        await _close(socket, RESTARTING, "the database does not answer: connect again and resume")
    finally:
        resources.hub.leave(client)


async def _serve(socket: WebSocket, identity: Identity, hub: Hub, client: Client) -> None:
    kept = await hub.bounds(client.owner)
    client.queue.put_json({"type": "ready", "seq": kept.last})
    late_start = asyncio.get_running_loop().call_later(START_SECONDS, hub.begin, client, kept.last)
    sending = asyncio.create_task(client.queue.send_forever())
    reading = asyncio.create_task(_read(socket, hub, client, kept.last))
    verifier: TokenVerifier = socket.app.state.verifier
    guard = asyncio.create_task(verifier.until_ended(identity))
    ends: set[asyncio.Future[Any]] = {sending, reading, guard, client.served_by}
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        late_start.cancel()
        outcomes = await stop(sending, reading, guard)
    if guard in done:
        await _close(socket, NOT_AUTHENTICATED, guard.result())
    elif reading in done and outcomes[1] is None:
        await _close(socket, TOO_MANY, f"more than {FRAMES_PER_MINUTE_MAX} messages a minute")
    if client.served_by in done:
        client.served_by.result()  # it never ends but by a failure
    for outcome in outcomes[:2]:
        if outcome is not None and not isinstance(outcome, EXPECTED):
            raise outcome


async def _read(socket: WebSocket, hub: Hub, client: Client, last: int) -> None:
    """Answer what the client says; return when it says too much."""
    minute, frames = time.monotonic(), 0
    while frames < FRAMES_PER_MINUTE_MAX:
        try:
            message = await receive(socket)
        except (ValueError, KeyError):
            message = {}
        await _answer(message, hub, client)
        hub.begin(client, last)
        frames += 1
        if time.monotonic() - minute > MINUTE_SECONDS:
            minute, frames = time.monotonic(), 0


async def _answer(message: dict[str, object], hub: Hub, client: Client) -> None:
    match message:
        case {"action": "ping"}:
            client.queue.put_json({"type": "pong"})
        case {"action": "resume", "seq": int(seq)} if 0 <= seq <= SEQ_MAX and not isinstance(seq, bool):
            await hub.resume(client, seq)
        case _:
            detail = 'send {"action":"resume","seq":41} or {"action":"ping"}'
            client.queue.put_json({"type": "error", "code": "bad_message", "detail": detail})


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(close(socket, code, reason), CLOSE_SECONDS_MAX)
