"""An application on a real port of this process, for tests whose other side speaks HTTP or WebSocket to it."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from fastapi import FastAPI

from kit.frames import FrameProtocol

START_SECONDS_MAX = 60
PORTS = range(10_000, 16_000)
"""Below those that the system gives to connections that go out, which take a free one at any moment."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on now, for a program that cannot be given an open one."""
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", secrets.choice(PORTS))) as free:
            return int(free.getsockname()[1])


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Run an application with its lifespan; yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    # Clients keep an idle connection for 5 s; ours must not be the side that ends it just then.
    config = uvicorn.Config(app, log_config=None, access_log=False, ws=FrameProtocol, timeout_keep_alive=60)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while not server.started:
                assert not running.done(), "the application did not start"
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
