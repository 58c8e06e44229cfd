"""The three servers that every stack has: PostgreSQL, Redis and RabbitMQ."""

from tools.native import postgres, rabbitmq, redis
from tools.native.credentials import Passwords
from tools.native.layout import Layout
from tools.native.packages import Binaries
from tools.native.programs import Program


def prepare(layout: Layout, binaries: Binaries, passwords: Passwords, *, keeps_log: bool = False) -> list[Program]:
    """Writes their settings and data folders where missing, and says how to run them."""
    return [
        postgres.prepare(layout, binaries.postgres, passwords, keeps_log=keeps_log),
        redis.prepare(layout, binaries.redis, passwords),
        *rabbitmq.prepare(layout, binaries, passwords),
    ]
