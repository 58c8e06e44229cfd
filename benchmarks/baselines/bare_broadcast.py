"""The bare minimum of a quote fan-out: hear Redis, `websockets.broadcast` to everybody.

One process, no TLS, no token, no subscriptions, no conflation, no bound on what waits for a slow client.

    python -m benchmarks.baselines.bare_broadcast PORT REDIS_URL PATTERN
"""

import sys

import uvloop
from redis.asyncio import Redis
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(port: int, redis_url: str, pattern: str) -> None:
    """Serve until killed."""
    listeners: set[ServerConnection] = set()

    async def listen(connection: ServerConnection) -> None:
        listeners.add(connection)
        try:
            await connection.wait_closed()
        finally:
            listeners.discard(connection)

    async with serve(listen, "127.0.0.1", port, compression=None), Redis.from_url(redis_url).pubsub() as feed:
        await feed.psubscribe(pattern)
        async for message in feed.listen():
            if message["type"] == "pmessage":
                broadcast(listeners, message["data"].decode())


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), *sys.argv[2:]))
