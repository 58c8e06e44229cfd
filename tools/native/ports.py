"""The ports of one stack, and a clear answer when somebody else has one of them."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from tools.native.errors import StackError

PORT_BASE_DEFAULT = 18000
PORT_BASE_MAX = 64000
GATEWAY_PORT_DEFAULT = 8443
GATEWAY_HTTP_PORT_DEFAULT = 8080

Colour = Literal["blue", "green"]
"""Of the two versions that a release has side by side (tools/native/releasing.py); only one of them is live."""

COMPUTERS_MAX = 50
GREEN_OFFSET = 50

# In this order everywhere: the API of service n listens on base + 101 + n, its worker on base + 201 + n;
# 50 above that when it is green.
SERVICES = ("auth", "trading", "market", "backtest", "broker", "notification")

EXPORTED = ("rabbitmq", "postgres", "redis", "nginx", "machine", "alarms")
"""What Prometheus asks besides the services; RabbitMQ and Alertmanager answer it, the others through an exporter."""


@dataclass(frozen=True)
class Ports:
    """Every port of a stack; all but the gateway's two derive from one base."""

    base: int = PORT_BASE_DEFAULT
    gateway: int = GATEWAY_PORT_DEFAULT
    gateway_http: int = GATEWAY_HTTP_PORT_DEFAULT
    colour: Colour = "blue"
    """Whose ports the services' are; everything else has one port, whatever is live."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        base = _port(environment, "EXODUS_PORT_BASE", PORT_BASE_DEFAULT)
        if base > PORT_BASE_MAX:
            raise StackError(f"EXODUS_PORT_BASE={base} is too high: at most {PORT_BASE_MAX}.")
        return cls(
            base,
            _port(environment, "EXODUS_GATEWAY_PORT", GATEWAY_PORT_DEFAULT),
            _port(environment, "EXODUS_GATEWAY_HTTP_PORT", GATEWAY_HTTP_PORT_DEFAULT),
        )

    @property
    def postgres(self) -> int:
        return self.base + 432

    @property
    def redis(self) -> int:
        return self.base + 379

    @property
    def amqp(self) -> int:
        return self.base + 672

    @property
    def erlang_names(self) -> int:
        """epmd, the name service that RabbitMQ's runtime insists on."""
        return self.base + 369

    @property
    def erlang_distribution(self) -> int:
        return self.base + 692

    @property
    def other_colour(self) -> Colour:
        return "blue" if self.colour == "green" else "green"

    @property
    def _services(self) -> int:
        return self.base + (GREEN_OFFSET if self.colour == "green" else 0)

    def api(self, service: str) -> int:
        return self._services + 101 + SERVICES.index(service)

    def worker(self, service: str) -> int:
        return self._services + 201 + SERVICES.index(service)

    def computer(self, number: int) -> int:
        """Where a process that computes chunks of backtests says how it is; they are numbered from 0."""
        return self._services + 501 + number  # 301 and on are the emulators

    @property
    def backups(self) -> int:
        """Where the keeper of backups says how old the newest is."""
        return self.base + 401

    @property
    def prometheus(self) -> int:
        return self.base + 91

    def exporter(self, of: str) -> int:
        """Where the figures of a server are, when they are wanted (tools/native/monitoring.py)."""
        return self.prometheus + 1 + EXPORTED.index(of)

    def servers(self) -> Iterator[tuple[int, str, str]]:
        """(port, what listens there, the variable that moves it) of Postgres, Redis and RabbitMQ."""
        for port, what in (
            (self.postgres, "PostgreSQL"),
            (self.redis, "Redis"),
            (self.amqp, "RabbitMQ"),
            (self.erlang_names, "RabbitMQ's name service"),
            (self.erlang_distribution, "RabbitMQ's distribution"),
        ):
            yield port, what, "EXODUS_PORT_BASE"

    def services(self) -> Iterator[tuple[int, str, str]]:
        for service in SERVICES:
            yield self.api(service), f"the {service} API", "EXODUS_PORT_BASE"
            yield self.worker(service), f"the {service} worker", "EXODUS_PORT_BASE"
        yield self.computer(0), "the backtest computer", "EXODUS_PORT_BASE"

    def helpers(self) -> Iterator[tuple[int, str, str]]:
        yield self.backups, "the keeper of backups", "EXODUS_PORT_BASE"

    def monitoring(self) -> Iterator[tuple[int, str, str]]:
        yield self.prometheus, "Prometheus", "EXODUS_PORT_BASE"
        for name in EXPORTED[1:]:  # RabbitMQ's is its own affair
            yield self.exporter(name), f"the figures of {name}", "EXODUS_PORT_BASE"

    def edge(self) -> Iterator[tuple[int, str, str]]:
        yield self.gateway, "the gateway", "EXODUS_GATEWAY_PORT"
        yield self.gateway_http, "the gateway's redirect", "EXODUS_GATEWAY_HTTP_PORT"


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise StackError(f"{name}={text} is not a port: a whole number from 1 to 65535 is needed.")
    return int(text)


def is_free(port: int) -> bool:
    """Whether we could listen on this port now, on loopback and on all addresses."""
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - only tried, never listened on
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError:
                return False
    return True


def owner_of(port: int) -> str:
    """Who has a port, as far as we may see it."""
    import psutil  # noqa: PLC0415 - where the keeper of backups runs in a container there is none

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "a process of another user"


def require_free(ports: Iterator[tuple[int, str, str]]) -> None:
    """Raises one error that names every taken port, who has it, and the variable that moves it."""
    taken = [
        f"  port {port} for {what} is taken by {owner_of(port)}; set {variable} to move it"
        for port, what, variable in ports
        if not is_free(port)
    ]
    if taken:
        raise StackError("\n".join(["ports are taken:", *taken]))
