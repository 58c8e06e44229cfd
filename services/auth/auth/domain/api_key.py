"""API keys: what they may, from where, and the signature that proves each single request."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Literal, NewType
from uuid import UUID

from auth.domain.user import UserId

ApiKeyId = NewType("ApiKeyId", UUID)
Scope = Literal["read", "trade", "write"]
"""`read`: look at things; `trade`: change what is in trading; `write`: change things elsewhere, never the account."""

WINDOW = timedelta(seconds=30)
"""How far the clocks of a client and ours may differ, and so how old a signature may be."""
NONCE_LENGTH_MIN, NONCE_LENGTH_MAX = 16, 64
KEYS_MAX = 20
DAYS_MAX = 366
NETWORKS_MAX = 32
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret."""

    id: ApiKeyId
    owner: UserId
    name: str
    scopes: frozenset[Scope]
    networks: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    last_address: str | None = None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """One request and the proof that came with it, as the gateway saw them."""

    method: str
    target: str
    """The path with its query, byte for byte."""
    body_sha256: str
    timestamp: str
    nonce: str
    signature: str
    address: str

    @property
    def text(self) -> bytes:
        """What was signed."""
        return f"{self.method}\n{self.target}\n{self.body_sha256}\n{self.timestamp}\n{self.nonce}".encode()


def is_proven(request: SignedRequest, secret: bytes) -> bool:
    """Tell whether who sent this knows the secret; takes the same time for every wrong signature."""
    expected = hmac.new(secret, request.text, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), request.signature.encode())


def is_timely(request: SignedRequest, now: datetime) -> bool:
    """Tell whether it was signed about now; what is no time never was."""
    if not (request.timestamp.isascii() and request.timestamp.isdigit() and len(request.timestamp) <= 12):
        return False
    return abs(int(request.timestamp) - now.timestamp()) <= WINDOW.total_seconds()


def may_come_from(key: ApiKey, address: str) -> bool:
    """Tell whether the key's owner lets it be used from this address; no list means from anywhere."""
    if not key.networks:
        return True
    try:
        place = ip_address(address)
    except ValueError:
        return False
    return any(place in ip_network(network) for network in key.networks)


def purpose_of(key: ApiKeyId) -> str:
    """What the secret of a key is sealed as."""
    return f"secret of API key {key}"
