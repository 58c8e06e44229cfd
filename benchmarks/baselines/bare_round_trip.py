"""The bare minimum of an order's round trip: store, publish with confirm, consume, store, tell over a WebSocket.

One process, no TLS, no token, no risk, no ledger, no matching: whatever the platform adds is the difference. What is
POSTed to /accepted is stored only: the least that accepting an order can be.

    python -m benchmarks.baselines.bare_round_trip PORT POSTGRES_URL AMQP_URL
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import asyncpg
import uvicorn
from aio_pika.abc import AbstractIncomingMessage
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

QUEUE = "bare.round.trip"


def build(postgres_url: str, amqp_url: str) -> Starlette:
    """Build the whole program."""
    listeners: set[WebSocket] = set()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        pool = await asyncpg.create_pool(postgres_url, min_size=4, max_size=10)
        await pool.execute("DROP TABLE IF EXISTS bare; CREATE TABLE bare (id text PRIMARY KEY, state text NOT NULL)")
        bus = await aio_pika.connect(amqp_url)
        channel = await bus.channel(publisher_confirms=True)
        await channel.set_qos(prefetch_count=64)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})

        async def fill(message: AbstractIncomingMessage) -> None:
            key = message.body.decode()
            await pool.execute("UPDATE bare SET state = 'filled' WHERE id = $1", key)
            for listener in listeners:
                await listener.send_text(json.dumps({"client_order_id": key}))
            await message.ack()

        filling = await queue.consume(fill)
        app.state.pool, app.state.channel = pool, channel
        yield
        await queue.cancel(filling)  # else the bus says that a consumer was cancelled, as if something were wrong
        await queue.delete(if_unused=False, if_empty=False)
        await bus.close()
        await pool.execute("DROP TABLE bare")
        await pool.close()

    async def place(request: Request) -> JSONResponse:
        key = (await request.json())["client_order_id"]
        await request.app.state.pool.execute("INSERT INTO bare VALUES ($1, 'submitted')", key)
        message = aio_pika.Message(key.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await request.app.state.channel.default_exchange.publish(message, QUEUE)
        return JSONResponse({"client_order_id": key}, 201)

    async def accept(request: Request) -> JSONResponse:
        key = (await request.json())["client_order_id"]
        await request.app.state.pool.execute("INSERT INTO bare VALUES ($1, 'submitted')", key)
        return JSONResponse({"client_order_id": key}, 201)

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        listeners.add(socket)
        try:
            await socket.receive_text()
        except WebSocketDisconnect:
            pass
        finally:
            listeners.discard(socket)

    return Starlette(
        routes=[
            Route("/orders", place, methods=["POST"]),
            Route("/accepted", accept, methods=["POST"]),
            WebSocketRoute("/ws", listen),
        ],
        lifespan=lifespan,
    )


if __name__ == "__main__":
    port, postgres, amqp = sys.argv[1:]
    uvicorn.run(build(postgres, amqp), host="127.0.0.1", port=int(port), log_level="warning")
