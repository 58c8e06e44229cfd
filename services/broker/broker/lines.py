"""Connectors of people's own connections: opened with their credentials when first needed, and kept.

Before every use we look whether the connection is still there: keys that were taken away open nothing, whatever is
still in memory.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import httpx
from kit.db import Database

from broker.adapters.balance import Balance, BuyingPower
from broker.adapters.catalogue import open_here
from broker.adapters.line import Tokens
from broker.adapters.opening import Door
from broker.adapters.port import LineGone, NotSent, Remote, Report
from broker.brokers import Line
from broker.domain.capabilities import Capabilities
from broker.domain.connection import ConnectionId
from broker.domain.order import (
    Absent,
    Accepted,
    Ambiguous,
    CancelRefused,
    ClientKey,
    Environment,
    Listed,
    OrderIntent,
    OwnerId,
    Refused,
    Replaced,
    Replacement,
    ReplaceRefused,
)
from broker.store import connections, system
from broker.vault import Vault

GONE: Final = "this connection does not exist any more"


@dataclass
class Bound:
    """One connection's connector. `capabilities` are known before anything is opened."""

    lines: "Lines"
    owner: OwnerId
    connection: UUID
    capabilities: Capabilities
    _remote: Remote | None = None
    _http: httpx.AsyncClient | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        """Send an order; without its connection it is refused."""
        remote = await self._open()
        if remote is None:
            return Refused("connection_not_found", f"The account is bound to a connection, and {GONE}.")
        return await remote.submit(order, key)  # tidy: allow one-gate because this is a connector, behind that gate

    async def cancel(self, order: OrderIntent, key: ClientKey, broker_order_id: str) -> Accepted | CancelRefused:
        """Cancel what is open of an order."""
        remote = await self._open()
        if remote is None:
            return CancelRefused("connection_not_found", f"The broker cannot be asked: {GONE}.")
        return await remote.cancel(order, key, broker_order_id)

    async def replace(
        self, order: OrderIntent, key: ClientKey, broker_order_id: str, change: Replacement
    ) -> Replaced | ReplaceRefused:
        """Change an open order."""
        remote = await self._open()
        if remote is None:
            return ReplaceRefused("connection_not_found", f"The broker cannot be asked: {GONE}.")
        return await remote.replace(order, key, broker_order_id, change)

    async def find(
        self, order: OrderIntent, key: ClientKey, sent_at: datetime
    ) -> Accepted | Refused | Absent | Ambiguous:
        """Look an order up."""
        remote = await self._open()
        if remote is None:
            raise LineGone(GONE)
        return await remote.find(order, key, sent_at)

    async def reports(self) -> AsyncGenerator[Sequence[Report], None]:
        """Tell of executions and endings; ends when the connection is taken away before it was opened."""
        remote = await self._open()
        if remote is None:
            return
        async with aclosing(remote.reports()) as stream:
            async for reports in stream:
                yield reports

    async def listed(self) -> Sequence[Listed]:
        """Every order the broker shows of today."""
        remote = await self._open()
        if remote is None:
            raise LineGone(GONE)
        return await remote.listed()

    async def told(self, listed: Listed) -> Accepted | Refused:
        """Everything the broker knows of an order of its list."""
        remote = await self._open()
        if remote is None:
            raise LineGone(GONE)
        return await remote.told(listed)

    async def balance(self) -> Balance:
        """Cash and holdings of the account."""
        remote = await self._open()
        if remote is None:
            raise LineGone(GONE)
        return await remote.balance()

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | Refused:
        """What the broker would let the account spend on a symbol now."""
        remote = await self._open()
        if remote is None:
            raise LineGone(GONE)
        return await remote.buying_power(symbol, limit_price)

    async def _open(self) -> Remote | None:
        """The broker's own connector; None when the connection is gone."""
        async with self._lock:
            async with self.lines.database.system() as session:
                found = await connections.find(session, self.owner, ConnectionId(self.connection))
                if found is None:
                    await self._close()
                    return None
                if self._remote is not None:
                    return self._remote
                secrets = await connections.find_secrets(session, self.owner, found.id, self.lines.vault)
            able, door = self.capabilities, self.lines.door(found.broker, found.environment)
            if door is None or (found.broker, found.environment) != (able.broker, able.environment):
                raise NotSent(f"this process speaks to no {able.environment} environment of {able.broker} for it")
            self._http = door.client()
            self._remote = door.open(self._http, secrets, self._keys_of)
            return self._remote

    async def _keys_of(self, numbers: Sequence[str]) -> Mapping[str, ClientKey]:
        async with self.lines.database.system() as session:
            return await system.list_keys(session, self.capabilities.broker, self.connection, numbers)

    async def _close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
        self._remote = self._http = None

    async def close(self) -> None:
        """Hang up."""
        async with self._lock:
            await self._close()


class Lines:
    """All of them, for the worker."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        known: Mapping[tuple[str, Environment], Line],
        tokens: Tokens,
        clock: Callable[[], datetime],
    ) -> None:
        self.database = database
        self.vault = vault
        self._known = known
        self._able = open_here(known)
        self._tokens = tokens
        self._clock = clock
        self._open: dict[tuple[OwnerId, UUID, Environment], Bound] = {}

    def door(self, broker: str, environment: Environment) -> Door | None:
        """How to reach an environment; None when this process may not, or does not know it."""
        line = self._known.get((broker, environment))
        return None if line is None else Door(broker, environment, line, self._tokens, self._clock)

    def of(self, owner: OwnerId, connection: UUID, broker: str, environment: Environment) -> Bound:
        """The connector of a connection, which is the same one every time."""
        able = self._able.get((broker, environment)) or _nothing(broker, environment)
        return self._open.setdefault((owner, connection, environment), Bound(self, owner, connection, able))

    async def hang_up(self, owner: OwnerId, connection: UUID) -> None:
        """Close a line, and forget what opened it."""
        for name in [name for name in self._open if name[:2] == (owner, connection)]:
            await self._open.pop(name).close()

    async def close(self) -> None:
        """Hang up everywhere."""
        for bound in self._open.values():
            await bound.close()


def _nothing(broker: str, environment: Environment) -> Capabilities:
    """A broker we do not know, or not there: it can do nothing, so that every order for it is refused."""
    nothing: frozenset[str] = frozenset()
    return Capabilities(
        broker=broker,
        title=f"The broker {broker}",
        account_kinds=nothing,
        markets=frozenset(),
        order_types=nothing,
        times_in_force=nothing,
        can_cancel=False,
        replaces="none",
        identifies_by_key=True,
        absence_is_certain=False,
        reports_executions=False,
        environment=environment,
    )
