"""`/ws/market`: quotes, trades, order books and minutes as they come, to everybody who is logged in."""

import asyncio
from collections import deque
from typing import Annotated, Final, Literal, get_args

from fastapi import APIRouter, WebSocket
from kit.auth import Identity, TokenVerifier
from kit.observe import websocket_clients
from kit.websocket import (
    FELL_BEHIND,
    NOT_ALLOWED,
    NOT_AUTHENTICATED,
    TOO_MANY,
    ClientQueue,
    authenticate,
    close,
    receive,
)
from pydantic import BaseModel, Field, ValidationError

from market.api.types import Symbol
from market.hub import SYMBOLS_PER_CLIENT_MAX, Client, QuoteHub, Topic
from market.seats import SEATS_PER_USER_MAX
from market.store.quotes import Channel
from market.tasks import end

CHANNELS: Final = get_args(Channel)
CHANNELS_MAX = 10
CHANNEL_NAME_LENGTH_MAX = 20
MESSAGES_PER_MINUTE_MAX = 100
MINUTE_SECONDS = 60
CLOSE_SECONDS = 1

router = APIRouter(tags=["market"])


class Watch(BaseModel):
    """`subscribe` and `unsubscribe`."""

    action: Literal["subscribe", "unsubscribe"]
    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=SYMBOLS_PER_CLIENT_MAX)]
    channels: Annotated[
        list[Annotated[str, Field(max_length=CHANNEL_NAME_LENGTH_MAX)]], Field(min_length=1, max_length=CHANNELS_MAX)
    ] = ["quote"]


@router.websocket("/ws/market")
async def market_stream(socket: WebSocket) -> None:
    """Let a client watch symbols until it leaves, its token ends, or it cannot keep up."""
    identity = await authenticate(socket, socket.app.state.verifier)
    if identity is None:
        return
    if identity.role == "service":
        await close(socket, NOT_ALLOWED, "a service reads prices from Redis")
        return
    hub: QuoteHub = socket.app.state.resources.hub
    client = await hub.admit(identity.user_id, ClientQueue(socket))
    if client is None:
        await close(socket, TOO_MANY, f"a user may have {SEATS_PER_USER_MAX} connections")
        return
    try:
        with websocket_clients.labels("market").track_inprogress():
            await _serve(socket, hub, client, identity)
    finally:
        await hub.dismiss(client)


async def _serve(socket: WebSocket, hub: QuoteHub, client: Client, identity: Identity) -> None:
    sender = asyncio.create_task(client.queue.send_forever())
    listener = asyncio.create_task(_listen(socket, hub, client))
    verifier: TokenVerifier = socket.app.state.verifier
    guard = asyncio.create_task(verifier.until_ended(identity))
    ended, _ = await asyncio.wait({sender, listener, guard}, return_when=asyncio.FIRST_COMPLETED)
    await end([sender, listener, guard])
    failures = {task: task.exception() for task in ended}
    if guard in ended:
        await _close(socket, NOT_AUTHENTICATED, guard.result())
    elif listener in ended and failures[listener] is None:
        await _close(socket, TOO_MANY, f"a client may send {MESSAGES_PER_MINUTE_MAX} messages a minute")
    elif sender in ended:
        await _close(socket, FELL_BEHIND, "fell behind: connect again")


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    """Close within a second: a client that does not read cannot hold us up with its goodbye either."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await close(socket, code, reason)
    except TimeoutError:
        return


async def _listen(socket: WebSocket, hub: QuoteHub, client: Client) -> None:
    """Answer a client's messages; return when it sends too many."""
    times: deque[float] = deque(maxlen=MESSAGES_PER_MINUTE_MAX)
    clock = asyncio.get_running_loop().time
    while True:
        try:
            message = await receive(socket)
        except ValueError as unreadable:
            message = None
            _complain(client, "invalid_message", str(unreadable))
        if len(times) == times.maxlen and clock() - times[0] < MINUTE_SECONDS:
            return
        times.append(clock())
        if message is not None:
            await _answer(hub, client, message)


async def _answer(hub: QuoteHub, client: Client, message: dict[str, object]) -> None:
    if message.get("action") == "ping":
        client.queue.put_json({"type": "pong"})
        return
    try:
        watch = Watch.model_validate(message)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        _complain(client, "invalid_message", f"{where}: {first['msg'].removeprefix('Value error, ')}")
        return
    if others := sorted(set(watch.channels) - set(CHANNELS)):
        _complain(client, "unknown_channel", f"{', '.join(others)}: there are {', '.join(CHANNELS)}")
    channels = [channel for channel in CHANNELS if channel in watch.channels]
    topics: set[Topic] = {(channel, symbol) for channel in channels for symbol in watch.symbols}
    if not topics:
        return
    told = {"symbols": sorted(set(watch.symbols)), "channels": channels}
    if watch.action == "unsubscribe":
        hub.unwatch(client, topics & client.watched)
        client.queue.put_json({"type": "unsubscribed", **told})
    elif len({symbol for _, symbol in client.watched | topics}) > SYMBOLS_PER_CLIENT_MAX:
        _complain(client, "too_many_symbols", f"a connection may watch {SYMBOLS_PER_CLIENT_MAX} symbols")
    else:
        client.queue.put_json({"type": "subscribed", **told})
        await hub.watch(client, topics)


def _complain(client: Client, code: str, detail: str) -> None:
    client.queue.put_json({"type": "error", "code": code, "detail": detail})
