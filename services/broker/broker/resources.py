"""What the two processes of the broker service hold open: a database for the API, a whole desk for the worker."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from kit import cache
from kit.db import Database
from kit.settings import secrets_directory
from redis.asyncio import Redis

from broker.adapters.line import Tokens
from broker.adapters.simulator.books import list_open_symbols
from broker.adapters.simulator.connector import Simulator
from broker.brokers import Line, read_brokers
from broker.collector import Collector
from broker.config import Settings
from broker.desk import Desk
from broker.domain.order import Environment
from broker.lines import Lines
from broker.shared_turns import SharedTurns
from broker.token_room import TokenRoom
from broker.vault import Vault
from broker.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Resources:
    """What the API needs."""

    database: Database
    vault: Vault
    lines: Mapping[tuple[str, Environment], Line]
    tokens: Tokens
    quarantined: bool = False
    """No line may be opened then: nothing goes out."""


def _database(settings: Settings) -> Database:
    return Database(
        settings.database_url.get_secret_value(),
        settings.system_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application="broker",
    )


def vault_of(settings: Settings) -> Vault:
    """Make the vault of the configured keys; where they lie in a secret file, it follows every change of that."""
    file = secrets_directory() / "broker_vault_key"
    return Vault(settings.vault_key.get_secret_value(), file if file.is_file() else None)


def _tokens(database: Database, vault: Vault, redis: "Redis") -> Tokens:
    """Tokens and turns that every process of this service shares."""
    return Tokens(TokenRoom(database, vault), vault.print_of, SharedTurns(redis))


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Connect the API's database, and disconnect it at the end."""
    database, redis = _database(settings), cache.connect(settings.redis_url.get_secret_value())
    try:
        lines = read_brokers(settings.brokers_file, live_allowed=settings.live_allowed)
        vault = vault_of(settings)
        yield Resources(database, vault, lines, _tokens(database, vault, redis), settings.quarantined)
    finally:
        await redis.aclose()
        await database.close()


@asynccontextmanager
async def open_desk(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Desk]:
    """Connect everything the worker needs, the connectors included."""
    database, redis = _database(settings), cache.connect(settings.redis_url.get_secret_value())
    simulator = Simulator(database, redis, clock, settings.fee_schedule, settings.slippage_ticks)
    vault = vault_of(settings)
    known = read_brokers(settings.brokers_file, live_allowed=settings.live_allowed)
    lines = Lines(database, vault, known, _tokens(database, vault, redis), clock)
    try:
        yield Desk(database, redis, {simulator.capabilities.broker: simulator}, clock, settings, lines)
    finally:
        await lines.close()
        await redis.aclose()
        await database.close()


@asynccontextmanager
async def open_collectors(settings: Settings, desk: Desk) -> AsyncIterator[list[Collector]]:
    """What brings live prices in, one for each market whose broker is named; running one opens its line."""
    assert isinstance(desk.lines, Lines), "the worker's desk can open lines"

    async def ordered() -> Collection[str]:
        async with desk.database.system() as session:
            return await list_open_symbols(session)

    async with AsyncExitStack() as clients:
        found = []
        for each in settings.feeds:
            door = desk.lines.door(str(each.broker), each.environment)
            assert door is not None, "the settings were checked at start"
            assert each.key is not None, "they were"
            assert each.secret is not None, "they were"
            http = await clients.enter_async_context(door.data_client())
            feed = door.feed(http, (each.key.get_secret_value(), each.secret.get_secret_value()))
            wishes = Wishes(desk.cache, feed.market, desk.clock, pinned=each.symbols, ordered=ordered)
            found.append(Collector(feed, wishes, desk.cache, desk.clock))
        yield found
