"""One request, message or tick is one explicit transaction; only this module commits.

Two roles reach the data. The app role sees the rows of one owner, named as the first statement of the transaction
(`app.owner_id`, read by every row-level policy). The worker role sees all owners, by policies that say so.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, cast
from uuid import UUID

import asyncpg
import structlog
from fastapi import Depends, Request
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from kit.auth import CurrentUser
from kit.errors import Unavailable
from kit.json import dumps_text, loads

log = structlog.get_logger()

Action = Callable[[], Awaitable[None]]

Session = AsyncConnection
"""A connection inside an explicit transaction that kit began and kit will end."""

STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_MS = 15_000
ROLLBACK_TIMEOUT_SECONDS = 2
POOL_TIMEOUT_SECONDS = 5
CONNECT_TIMEOUT_SECONDS = 5
EVENTS_CHANNEL = "exodus_events"
SCOPE = "kit.scope"
SESSION_OPENED = "kit.session_opened"
"""Where a request may leave `async (session, owner)`, to be called as the first thing of its transaction."""
# The hint to the relay is a transaction of its own behind the first, in the same round trip: inside of it all commits
# would queue behind one lock. It may be lost, so it waits for no disk. COMMIT passes over an earlier failure without an
# error; what comes before it does not.
WAKE = f"SET LOCAL synchronous_commit TO off; NOTIFY {EVENTS_CHANNEL}"
COMMIT_AND_WAKE = f"SHOW lock_timeout; COMMIT; {WAKE}"


def create_engine(url: str, pool_size: int, application: str) -> AsyncEngine:
    """Build a pool whose every statement, lock wait and idle transaction has a bound."""
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",  # transactions are begun and ended by this module alone
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_pre_ping=False,
        pool_use_lifo=True,
        json_serializer=dumps_text,
        json_deserializer=loads,
        connect_args={
            "timeout": CONNECT_TIMEOUT_SECONDS,
            "command_timeout": STATEMENT_TIMEOUT_MS / 1000 + 2,
            "server_settings": {
                "application_name": application,
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",  # every statement here is prepared, and wants the same plan
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_the_dead)
    return engine


def _refuse_the_dead(connection: Any, _record: Any, _proxy: Any) -> None:
    """Let nobody have a connection whose other end is gone: when one is, all that are as old go with it."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


class HasRelay(Protocol):
    """What publishes facts, when it is in this process."""

    publishes: bool

    def wake(self) -> None: ...


class Database:
    """A service's own database, through its two roles."""

    def __init__(self, app_url: str, system_url: str, *, pool_size: int = 10, application: str = "exodus") -> None:
        self._app = create_engine(app_url, pool_size, application)
        self._system = create_engine(system_url, pool_size, f"{application}-system")
        self._relay: HasRelay | None = None

    def owned(self, *owners: UUID) -> AbstractAsyncContextManager[Session]:
        """Open a transaction that sees only these owners' rows: of several, in tables whose policies know of that."""
        assert all(isinstance(owner, UUID) for owner in owners), "owners are ids: they go into the statement as given"
        whose = f"SET LOCAL app.owner_id = '{owners[0]}'"
        if len(owners) > 1:
            whose = f"SET LOCAL app.owner_id = 'several'; SET LOCAL app.owner_ids = '{{{','.join(map(str, owners))}}}'"
        return self._transaction(self._app, f"BEGIN; {whose}")

    def public(self) -> AbstractAsyncContextManager[Session]:
        """Open a transaction of the app role without an owner: shared tables only, tenant tables raise."""
        return self._transaction(self._app, "BEGIN")

    def system(self, *, single: bool = False) -> AbstractAsyncContextManager[Session]:
        """Open a transaction of the worker role, which sees every owner. A `single` statement is one by itself."""
        return self._transaction(self._system, "" if single else "BEGIN")

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine, opening: str) -> AsyncIterator[Session]:
        # BEGIN and the owner travel together, in one round trip: that is why the driver's own BEGIN is not used
        try:
            async with engine.connect() as session:
                session.info[SCOPE] = scope = Scope(_driver(session))
                try:
                    if opening:
                        await _say(scope.driver, opening)
                    yield session
                    await scope.run_before_commit()
                    done = await self._end(scope, is_open=bool(opening))
                except BaseException as failed:
                    # the driver's word when the line broke between two messages; on a whole line it is our own fault
                    lost = isinstance(failed, asyncpg.InternalClientError) and scope.driver.is_closed()
                    await _roll_back(session)
                    if lost:
                        raise Unavailable("The database is restarting. Try again: nothing was done twice.") from failed
                    raise
        except (TimeoutError, PoolTimeoutError, OSError) as down:
            raise Unavailable("The database does not answer. Try again: the same client id never acts twice.") from down
        except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as failed:
            if is_outage(failed):
                raise Unavailable(
                    "The database is busy or restarting. Try again: the same client id never acts twice."
                ) from failed
            raise
        assert done != "ROLLBACK", (
            "a statement failed inside this transaction and its error was swallowed: nothing is saved"
        )
        if scope.announced and self._relay is not None:
            self._relay.wake()
        await scope.run_after_commit()

    async def _end(self, scope: "Scope", *, is_open: bool) -> str:
        """Commit, and give a relay in another process its hint where there is something to publish."""
        is_elsewhere = scope.announced and not (self._relay and self._relay.publishes)
        if is_elsewhere:
            return await _say(scope.driver, COMMIT_AND_WAKE if is_open else WAKE)
        return await _say(scope.driver, "COMMIT") if is_open else "COMMIT"

    def wake_here(self, relay: HasRelay) -> None:
        """Wake a relay in this very process without asking the database, while it publishes."""
        self._relay = relay

    async def ping(self) -> None:
        """Answer only if the database does."""
        async with self.public() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close both pools."""
        await self._app.dispose()
        await self._system.dispose()


@dataclass
class Scope:
    """What belongs to one transaction besides its rows: the driver's own connection, and what is put off."""

    driver: "asyncpg.Connection[Any]"
    announced: bool = False
    notes: dict[str, Any] = field(default_factory=dict)
    before_commit: dict[str, Action] = field(default_factory=dict)
    after_commit: list[Action] = field(default_factory=list)

    async def run_before_commit(self) -> None:
        """Run what was put off to the end of the transaction."""
        for action in list(self.before_commit.values()):
            await action()

    async def run_after_commit(self) -> None:
        """Run what waits for the commit; it cannot be undone any more, so nothing here may fail it."""
        for action in self.after_commit:
            try:
                await action()
            except Exception:
                log.exception("an action after the commit failed")


def scope_of(session: Session) -> Scope:
    """Return the scope of the transaction that is open on a session."""
    scope: Scope = session.info[SCOPE]
    return scope


def driver_of(session: Session) -> "asyncpg.Connection[Any]":
    """Return the driver's own connection under an open transaction: kit.sql runs its statements on it."""
    return scope_of(session).driver


def notes(session: Session) -> dict[str, Any]:
    """Return a dictionary that lives as long as this transaction: for handlers that share work."""
    return scope_of(session).notes


def before_commit(session: Session, key: str, action: Action) -> None:
    """Run an action at the end of this transaction, inside it: once for each key."""
    scope_of(session).before_commit.setdefault(key, action)


def after_commit(session: Session, action: Action) -> None:
    """Run an action once this transaction has committed; never when it has not."""
    scope_of(session).after_commit.append(action)


def _driver(session: Session) -> "asyncpg.Connection[Any]":
    assert session.sync_connection is not None
    return cast("asyncpg.Connection[Any]", session.sync_connection.connection.driver_connection)


async def _say(driver: "asyncpg.Connection[Any]", command: str) -> str:
    try:
        return str(await driver.execute(command))
    except asyncpg.PostgresError as failed:
        raise in_our_words(command, failed) from failed


def in_our_words(command: str, failed: asyncpg.PostgresError) -> DBAPIError:
    """Return the error that SQLAlchemy's own execution would have raised."""
    kind = IntegrityError if isinstance(failed, asyncpg.IntegrityConstraintViolationError) else DBAPIError
    return kind(command, None, failed)


async def _roll_back(session: Session) -> None:
    """End a transaction that failed or was cancelled; a connection that cannot promise that is thrown away."""
    if session.invalidated:
        return  # cancelled in the middle of a statement: the connection is gone, and the transaction with it
    assert session.sync_connection is not None
    try:
        async with asyncio.timeout(ROLLBACK_TIMEOUT_SECONDS):
            await _say(_driver(session), "ROLLBACK")
    except Exception:
        log.info("a connection is thrown away", exc_info=True)
        session.sync_connection.invalidate()
    except BaseException:
        session.sync_connection.invalidate()
        raise


OVERLOAD_STATES = ("40001", "40P01", "53", "55P03", "57", "08")
"""SQLSTATE prefixes that mean: nothing was done, a second try may succeed (deadlock, no room, lock wait, shutdown)."""


def is_outage(failed: Exception) -> bool:
    """Tell whether the database refused for want of time, room or life, and not for what was asked."""
    if isinstance(failed, DBAPIError) and failed.connection_invalidated:
        return True
    if isinstance(failed, asyncpg.InterfaceError):
        return True  # the driver found its connection closed
    origin = failed.orig if isinstance(failed, DBAPIError) else failed
    return str(getattr(origin, "sqlstate", "") or "").startswith(OVERLOAD_STATES)


def _database(request: Request) -> Database:
    database: Database = request.app.state.resources.database
    return database


async def _owned(request: Request, user: CurrentUser) -> AsyncIterator[Session]:
    async with _database(request).owned(user.user_id) as session:
        if opened := request.scope.get(SESSION_OPENED):
            await opened(session, user.user_id)
        yield session


async def _public(request: Request) -> AsyncIterator[Session]:
    async with _database(request).public() as session:
        yield session


async def _system(request: Request) -> AsyncIterator[Session]:
    async with _database(request).system() as session:
        yield session


# scope="function": the transaction ends before the answer is sent, so a failed commit is a failed request
OwnedSession = Annotated[Session, Depends(_owned, scope="function")]
PublicSession = Annotated[Session, Depends(_public, scope="function")]
SystemSession = Annotated[Session, Depends(_system, scope="function")]
