"""The desk: what every use case of the worker needs, in one value."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Database
from redis.asyncio import Redis

from broker.adapters.port import Connector, Remote
from broker.config import Settings
from broker.domain.order import Environment, OrderIntent, OwnerId
from broker.market_now import Markets
from broker.pit import Pit


class Bound(Protocol):
    """Where the lines of connections are to be had."""

    def of(self, owner: OwnerId, connection: UUID, broker: str, environment: Environment) -> Remote:
        """The connector of a connection."""
        ...

    async def hang_up(self, owner: OwnerId, connection: UUID) -> None:
        """Close a line that is not to be used any more."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Connectors by broker, and what they and we depend on. `lines` has those of people's own connections."""

    database: Database
    cache: Redis
    connectors: Mapping[str, Connector]
    clock: Callable[[], datetime]
    settings: Settings
    lines: Bound | None = None
    markets: Markets = field(default_factory=Markets)
    """What symbols' markets do now, as read a moment ago."""
    pit: Pit = field(default_factory=Pit)
    """Where orders to our own exchange wait for one another."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits so many seconds before something is tried again."""

    def connector_for(self, order: OrderIntent) -> Connector:
        """The connector an order goes through: that of its connection, or the one that serves its kind of account.

        Where none does, the first, whose capabilities refuse it.
        """
        if order.connection_id is not None:
            assert self.lines is not None, "a desk that takes orders of connections can open them"
            return self.lines.of(order.owner, order.connection_id, order.broker, order.environment)
        connectors = tuple(self.connectors.values())
        serving = (each for each in connectors if order.account_kind in each.capabilities.account_kinds)
        return next(serving, connectors[0])
