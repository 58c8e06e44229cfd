"""Secrets: made once, kept for the life of the stack, and handed to each service as files that only it is given."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.native import signing_keys
from tools.native.accounts import write_private
from tools.native.layout import Layout
from tools.native.ports import SERVICES

PRIVATE = 0o700
SECRET_BYTES = 32  # 256 bits

# The services that may ask auth for a token of their own.
SERVICE_CLIENTS = ("backtest", "notification", "trading")

POSTGRES_ADMIN = "postgres"
AMQP_USER = "exodus"
AMQP_VHOST = "exodus"
ROLES = ("owner", "app", "worker")
# Copies the whole cluster, and may do nothing else: not even log in to a database.
BACKUP_USER = "exodus_backup"


@dataclass(frozen=True)
class Addresses:
    """Where the services find the servers: `host:port` each."""

    postgres: str
    redis: str
    amqp: str
    postgres_socket: Path | None = None
    """The folder of PostgreSQL's socket, for who runs beside it: there is less to do than for TCP (decision 0161)."""

    @classmethod
    def native(cls, layout: Layout) -> Self:
        ports = layout.ports
        postgres, redis, amqp = (f"127.0.0.1:{port}" for port in (ports.postgres, ports.redis, ports.amqp))
        return cls(postgres, redis, amqp, postgres_socket=layout.database_socket)


class Passwords:
    """Every generated password by name; a name asked for the first time gets one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}

    def of(self, name: str) -> str:
        if name not in self._known:
            self.keep(name, secrets.token_hex(SECRET_BYTES))
        return self._known[name]

    def keep(self, name: str, text: str) -> None:
        """Remember another text under a name."""
        self._known[name] = text
        write_private(self._file, json.dumps(self._known, indent=1))


def open_passwords(layout: Layout) -> Passwords:
    layout.secrets.mkdir(mode=PRIVATE, exist_ok=True)
    if layout.secrets.stat().st_mode & 0o777 != PRIVATE:
        layout.secrets.chmod(PRIVATE)
    return Passwords(layout.secrets / "passwords.json")


def role(service: str, kind: str) -> str:
    return f"{service}_{kind}"


def database(service: str) -> str:
    return f"exodus_{service}"


def postgres_url(passwords: Passwords, address: str, user: str = POSTGRES_ADMIN, name: str = "postgres") -> str:
    return f"postgresql+asyncpg://{user}:{passwords.of(user)}@{address}/{name}"


def database_url(passwords: Passwords, addresses: Addresses, user: str, name: str) -> str:
    """The address of a service's database."""
    if addresses.postgres_socket is None:
        return postgres_url(passwords, addresses.postgres, user, name)
    port = addresses.postgres.rpartition(":")[2]
    return f"{postgres_url(passwords, '', user, name)}?host={addresses.postgres_socket}&port={port}"


def redis_url(passwords: Passwords, address: str, service: str | None = None) -> str:
    """A service's own user, or the operator's, whom Redis calls the default."""
    password = passwords.of(f"redis:{service}" if service else "redis")
    return f"redis://{service or ''}:{password}@{address}/0"


def amqp_url(passwords: Passwords, address: str, service: str | None = None) -> str:
    """A service's own user, or the operator's."""
    password = passwords.of(f"rabbitmq:{service}" if service else "rabbitmq")
    return f"amqp://{service or AMQP_USER}:{password}@{address}/{AMQP_VHOST}"


def files_of(service: str, passwords: Passwords, addresses: Addresses) -> dict[str, str]:
    """The secret files of one service: name → text."""
    where = {kind: database_url(passwords, addresses, role(service, kind), database(service)) for kind in ROLES}
    files = {
        f"{service}_database_url": where["app"],
        f"{service}_system_database_url": where["worker"],
        f"{service}_owner_database_url": where["owner"],
        f"{service}_amqp_url": amqp_url(passwords, addresses.amqp, service),
        f"{service}_redis_url": redis_url(passwords, addresses.redis, service),
    }
    if service == "auth":
        files["auth_service_secrets"] = json.dumps({name: passwords.of(f"service:{name}") for name in SERVICE_CLIENTS})
        files["auth_sealing_key"] = passwords.of("auth:sealing_key")
    if service == "broker":
        files["broker_vault_key"] = passwords.of("broker:vault")
    if service == "notification":
        files["notification_sealing_key"] = passwords.of("notification:sealing_key")
    if service in SERVICE_CLIENTS:
        files[f"{service}_service_secret"] = passwords.of(f"service:{service}")
    return files


def write_all(layout: Layout, addresses: Addresses) -> Passwords:
    """Writes the secrets of every service, the signing key if there is none, and the gateway's public keys."""
    passwords = open_passwords(layout)
    for service in SERVICES:
        folder = layout.secrets / service
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, text in files_of(service, passwords, addresses).items():
            write_private(folder / name, text)
    signing_key = layout.secrets / "auth" / signing_keys.FILE
    if not signing_key.exists():
        write_private(signing_key, signing_keys.new_key())
    signing_keys.publish(layout, signing_key.read_text())
    return passwords
