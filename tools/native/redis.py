"""Redis: quotes, limits and hints. It holds no truth, so it keeps nothing on disk."""

import hashlib
import socket
from pathlib import Path

from tools.native import accounts
from tools.native.credentials import Passwords
from tools.native.layout import Layout
from tools.native.programs import Program

MEMORY_MAX = "256mb"
ANSWER_SECONDS_MAX = 2

# What an application needs, and none of what an intruder would like.
COMMANDS = "+@all -@admin -@dangerous -@scripting"
NOTHING = "+@connection -@admin -@dangerous"
LISTENS = "+@read +@connection +@pubsub -publish -@admin -@dangerous -@scripting"

# What each service may do: whose keys it reads (%R) or writes as well, and which channels are its own. Market alone
# tells prices. Who listens to a pattern has to be allowed that very pattern. In brackets is what is allowed besides.
SERVICE_PERMISSIONS = {
    "auth": NOTHING,
    "trading": f"%R~realtime:* &market:* {LISTENS} (+publish &feed.wanted)",
    "market": f"~realtime* &market:* &market.trade:* &market.orderbook:* &market.bar1m:* &feed.* {COMMANDS}",
    "backtest": NOTHING,
    "broker": f"%R~realtime:* ~broker:* &market:* &feed.wanted {COMMANDS} -publish (+publish &feed.told)",
    "notification": (
        f"%R~realtime:* &market:* &account:* &alerts:* {LISTENS} (+publish &account:* &alerts:* &feed.wanted)"
    ),
}

# How the server fares, and none of what is in it.
MONITOR = "-@all +info +ping"

# The operator's.
PERMISSIONS = "~* &* +@all -@admin -@dangerous -@scripting +info"

# Tests also empty the server between them.
PERMISSIONS_DISPOSABLE = f"{PERMISSIONS} +flushdb +flushall +keys"


def prepare(layout: Layout, binary: Path, passwords: Passwords) -> Program:
    """Writes the settings and says how to run it."""
    home = accounts.home_for("redis", layout.state_of("redis"))
    password = passwords.of("redis")
    permissions = PERMISSIONS_DISPOSABLE if layout.disposable else PERMISSIONS
    text = settings(passwords, port=layout.ports.redis, folder=str(home), permissions=permissions)
    accounts.write_private(home / "redis.conf", f"bind 127.0.0.1\n{text}", "redis")
    return Program(
        name="redis",
        group="servers",
        command=(str(binary), str(home / "redis.conf")),
        directory=home,
        why_not_ready=lambda: _why_not_ready(layout.ports.redis, password),
        depends_on=(home / "redis.conf",),
        account=accounts.account_for("redis"),
    )


def settings(passwords: Passwords, *, port: int, folder: str, permissions: str) -> str:
    """The configuration file, natively and in containers."""
    services = "".join(
        f"user {service} on #{_digest(passwords.of(f'redis:{service}'))} resetchannels {may}\n"
        for service, may in SERVICE_PERMISSIONS.items()
    )
    return (
        f"port {port}\n"
        "daemonize no\n"
        f'dir "{folder}"\n'
        'save ""\n'
        "appendonly no\n"
        f"maxmemory {MEMORY_MAX}\n"
        "maxmemory-policy allkeys-lru\n"
        f"user default on #{_digest(passwords.of('redis'))} {permissions}\n"
        f"user monitor on #{_digest(passwords.of('redis:monitor'))} resetkeys resetchannels {MONITOR}\n"
        f"{services}"
    )


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _why_not_ready(port: int, password: str) -> str | None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (received := connection.recv(1024)):
                answer += received
    except OSError as error:
        return str(error)
    return None if answer == b"+OK\r\n+PONG\r\n" else f"it answered {answer!r}"
