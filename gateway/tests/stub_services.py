"""Six real uvicorn servers that stand for the services and tell what of a request reached them."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from gateway.render import SERVICES

START_SECONDS_MAX = 60


@dataclass
class StubServices:
    """What the services listen on, what they have seen, and which of them say they are not ready."""

    upstreams: dict[str, str]
    seen: list[dict[str, Any]] = field(default_factory=list)
    not_ready: set[str] = field(default_factory=set)

    def app(self, name: str) -> Any:
        """Return an ASGI application that answers with the request; `?answer=503` chooses the status."""

        async def echo(scope: Any, receive: Any, send: Any) -> None:
            seen = {
                "service": name,
                "method": scope.get("method", "WEBSOCKET"),
                "path": scope["raw_path"].decode(),
                "headers": [[key.decode(), value.decode("latin-1")] for key, value in scope["headers"]],
            }
            self.seen.append(seen)
            if scope["type"] == "websocket":
                await self._echo_socket(scope, receive, send)
                return
            seen["body_bytes"] = await _read(receive)
            query = parse_qs(scope["query_string"].decode())
            status = int(query.get("answer", ["200"])[0])
            if scope["path"] == "/health/ready" and name in self.not_ready:
                status = 503
            await asyncio.sleep(float(query.get("wait", ["0"])[0]))
            headers = [
                (b"content-type", b"application/json"),
                (b"content-security-policy", b"default-src *"),
                (b"x-powered-by", b"stub"),
                (b"x-accel-redirect", b"/_token"),
            ]
            body = json.dumps(seen | {"padding": "x" * int(query.get("padding", ["0"])[0])}).encode()
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return echo

    async def _echo_socket(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        chosen = "bearer" if "bearer" in scope["subprotocols"] else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})


async def _read(receive: Any) -> int:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            return size


def _listener() -> socket.socket:
    # asyncio turns Nagle's algorithm off only on sockets that name their protocol; with it each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


@contextmanager
def running_stubs() -> Iterator[StubServices]:
    """Start the six servers in a thread and stop them at the end."""
    listeners = {name: _listener() for name in SERVICES}
    stubs = StubServices({name: f"127.0.0.1:{listener.getsockname()[1]}" for name, listener in listeners.items()})
    servers = {
        name: uvicorn.Server(
            uvicorn.Config(stubs.app(name), lifespan="off", log_level="critical", ws="websockets-sansio")
        )
        for name in SERVICES
    }

    async def serve() -> None:
        await asyncio.gather(*(server.serve(sockets=[listeners[name]]) for name, server in servers.items()))

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    deadline = time.monotonic() + START_SECONDS_MAX
    while not all(server.started for server in servers.values()):
        assert time.monotonic() < deadline, "the stub services did not start"
        time.sleep(0.01)
    try:
        yield stubs
    finally:
        for server in servers.values():
            server.should_exit = True
        thread.join()
