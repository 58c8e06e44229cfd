"""An application on a real port of this process, for tests whose other side speaks HTTP or WebSocket to it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from kit.frames import FrameProtocol

START_SECONDS_MAX = 60


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Run an application with its lifespan; yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws=FrameProtocol))
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
