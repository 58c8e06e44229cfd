"""A Redis connection with deadlines: what is in it can always be made again, so its absence is never an error page."""

from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

TIMEOUT_SECONDS = 1.0
CONNECTIONS_MAX = 64


class _Reset(Connection):
    """A connection that was reset is an outage, whatever the event loop calls it: uvloop says RuntimeError."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: FBT001, FBT002
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as closed:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(str(closed)) from closed


def connect(url: str) -> "Redis":
    """Return a client whose every call ends within a second or two: a burst waits its turn, what broke reconnects."""
    pool = BlockingConnectionPool.from_url(
        url,
        timeout=TIMEOUT_SECONDS,
        connection_class=_Reset,
        decode_responses=True,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        max_connections=CONNECTIONS_MAX,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.01), 2),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return Redis.from_pool(pool)
