"""A Redis connection with deadlines: what is in it can always be made again, so its absence is never an error page."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

TIMEOUT_SECONDS = 1.0
CONNECTIONS_MAX = 64


def connect(url: str) -> "Redis":
    """Return a client whose every call ends within a second or two, and that reconnects by itself."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        max_connections=CONNECTIONS_MAX,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.01), 2),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
