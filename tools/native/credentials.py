"""Secrets: made once, kept for the life of the stack, and handed to each service as files that only it is given."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tools.native.accounts import write_private
from tools.native.layout import Layout
from tools.native.ports import SERVICES

SECRET_BYTES = 32  # 256 bits
SIGNING_KEY = "auth_signing_key"

# The services that may ask auth for a token of their own.
SERVICE_CLIENTS = ("backtest",)

POSTGRES_ADMIN = "postgres"
AMQP_USER = "exodus"
AMQP_VHOST = "exodus"
ROLES = ("owner", "app", "worker")


@dataclass(frozen=True)
class Addresses:
    """Where the services find the servers: `host:port` each."""

    postgres: str
    redis: str
    amqp: str

    @classmethod
    def native(cls, layout: Layout) -> Self:
        ports = layout.ports
        return cls(*(f"127.0.0.1:{port}" for port in (ports.postgres, ports.redis, ports.amqp)))


class Passwords:
    """Every generated password by name; a name asked for the first time gets one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}

    def of(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = secrets.token_hex(SECRET_BYTES)
            write_private(self._file, json.dumps(self._known, indent=1))
        return self._known[name]


def open_passwords(layout: Layout) -> Passwords:
    layout.secrets.mkdir(mode=0o700, exist_ok=True)
    layout.secrets.chmod(0o700)
    return Passwords(layout.secrets / "passwords.json")


def role(service: str, kind: str) -> str:
    return f"{service}_{kind}"


def database(service: str) -> str:
    return f"exodus_{service}"


def postgres_url(passwords: Passwords, address: str, user: str = POSTGRES_ADMIN, name: str = "postgres") -> str:
    return f"postgresql+asyncpg://{user}:{passwords.of(user)}@{address}/{name}"


def redis_url(passwords: Passwords, address: str) -> str:
    return f"redis://:{passwords.of('redis')}@{address}/0"


def amqp_url(passwords: Passwords, address: str) -> str:
    return f"amqp://{AMQP_USER}:{passwords.of('rabbitmq')}@{address}/{AMQP_VHOST}"


def files_of(service: str, passwords: Passwords, addresses: Addresses) -> dict[str, str]:
    """The secret files of one service: name → text."""
    where = {
        kind: postgres_url(passwords, addresses.postgres, role(service, kind), database(service)) for kind in ROLES
    }
    files = {
        f"{service}_database_url": where["app"],
        f"{service}_system_database_url": where["worker"],
        f"{service}_owner_database_url": where["owner"],
        f"{service}_amqp_url": amqp_url(passwords, addresses.amqp),
        f"{service}_redis_url": redis_url(passwords, addresses.redis),
    }
    if service == "auth":
        files["auth_service_secrets"] = json.dumps({name: passwords.of(f"service:{name}") for name in SERVICE_CLIENTS})
        files["auth_sealing_key"] = passwords.of("auth:sealing_key")
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
    signing_key = layout.secrets / "auth" / SIGNING_KEY
    if not signing_key.exists():
        write_private(signing_key, new_signing_key())
    layout.gateway.mkdir(mode=0o755, exist_ok=True)
    keys = layout.gateway / "keys.json"
    keys.write_text(json.dumps(gateway_keys(signing_key.read_text()), indent=1))
    keys.chmod(0o644)  # public keys, read by the gateway's workers
    return passwords


def new_signing_key() -> str:
    """A fresh ES256 key as PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def gateway_keys(signing_key: str) -> Mapping[str, str]:
    """kid → base64 SPKI of the public key, as the gateway's verifier reads it."""
    private = serialization.load_pem_private_key(signing_key.encode(), password=None)
    assert isinstance(private, ec.EllipticCurvePrivateKey), "access tokens are signed with ES256"
    public = private.public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {thumbprint(public): base64.b64encode(spki).decode()}


def thumbprint(public: ec.EllipticCurvePublicKey) -> str:
    """The key's id: its RFC 7638 thumbprint, which anybody who holds the public key can compute."""
    numbers = public.public_numbers()
    members = {"crv": "P-256", "kty": "EC", "x": _base64url(numbers.x), "y": _base64url(numbers.y)}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _base64url(coordinate: int) -> str:
    return base64.urlsafe_b64encode(coordinate.to_bytes(32, "big")).rstrip(b"=").decode()
