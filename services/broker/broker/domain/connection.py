"""A connection to a broker: whose, where, and with which credentials; the credentials are never printed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NewType
from uuid import UUID

from broker.domain.order import Environment, OwnerId

ConnectionId = NewType("ConnectionId", UUID)
CONNECTIONS_MAX: Final = 20
HINT_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class Connection:
    """What may be shown of a connection. The hint is all that is ever seen again of the account's number."""

    id: ConnectionId
    owner: OwnerId
    broker: str
    environment: Environment
    name: str
    account_hint: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens the broker's door, by field."""

    fields: Mapping[str, str] = field(repr=False)


def hint(account: str) -> str:
    """An account's number with all but its last digits hidden."""
    return "*" * (len(account) - HINT_DIGITS) + account[-HINT_DIGITS:]
