"""The desk: what every use case of the worker needs, in one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kit.db import Database
from redis.asyncio import Redis

from broker.adapters.port import Connector
from broker.config import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """Connectors by broker, and what they and we depend on."""

    database: Database
    cache: Redis
    connectors: Mapping[str, Connector]
    clock: Callable[[], datetime]
    settings: Settings

    def connector_for(self, account_kind: str) -> Connector:
        """The connector that serves a kind of account; where none does, the first, whose capabilities refuse it."""
        connectors = tuple(self.connectors.values())
        return next((each for each in connectors if account_kind in each.capabilities.account_kinds), connectors[0])
