"""Rotates an owner's key in child after child: each kills itself with SIGKILL one statement later.

Run by test_rotation.py: `python dying_rotation.py OWNER CONNECTION`, settings in the environment. Each child is a fork
of this process, which has no connection open while it forks; it prints a line of JSON about each death: what
could be read right after it, and what could be once the rotation had been called again.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
from typing import Any
from uuid import UUID

from asyncpg import Connection
from asyncpg.prepared_stmt import PreparedStatement
from broker.config import Settings
from broker.domain.connection import ConnectionId
from broker.domain.order import OwnerId
from broker.store import connections
from broker.usecases.rotate_key import rotate_key
from broker.vault import Vault
from kit.db import Database
from kit.settings import load
from sqlalchemy import text

STATEMENTS_MAX = 200
SENDING = ((Connection, ("execute", "fetch", "fetchrow", "fetchval")), (PreparedStatement, ("fetch",)))
"""Every way in which kit and SQLAlchemy send a statement, BEGIN and COMMIT among them."""
OLDER = text(
    "SELECT count(*) FROM connection_secrets WHERE key_version < (SELECT max(version) FROM owner_keys)"
    " OR key_version = :before"
)
NEWEST = text("SELECT max(version) FROM owner_keys")


def arm(mortal: int) -> None:
    """Set the trap before every statement that any connection of this process sends.

    Right after a statement is, for the database, right before the next one.
    """
    numbers = itertools.count(1)

    def trapped(send: Any) -> Any:
        async def sent(*given: Any, **named: Any) -> Any:
            if next(numbers) == mortal:
                os.kill(os.getpid(), signal.SIGKILL)
            return await send(*given, **named)

        return sent

    for kind, names in SENDING:
        for name in names:
            setattr(kind, name, trapped(getattr(kind, name)))


def killed(settings: Settings, owner: OwnerId, mortal: int) -> bool:
    """Rotate in a child that dies at a statement; false when there is no such statement any more."""
    child = os.fork()
    if child == 0:
        arm(mortal)
        asyncio.run(with_database(settings, rotate, owner))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


async def with_database(settings: Settings, work: Any, *given: Any) -> Any:
    urls = (settings.database_url.get_secret_value(), settings.system_database_url.get_secret_value())
    database = Database(*urls, pool_size=1, application="broker")
    try:
        return await work(database, Vault(settings.vault_key.get_secret_value()), *given)
    finally:
        await database.close()


async def rotate(database: Database, vault: Vault, owner: OwnerId) -> int:
    return await rotate_key(database, owner, vault)


async def what_is_there(
    database: Database, vault: Vault, owner: OwnerId, connection: ConnectionId, newest: int
) -> dict[str, Any]:
    """What can be read after a death and after the rotation that follows it, and how it ended."""
    async with database.owned(owner) as session:
        after_death = await connections.find_secrets(session, owner, connection, vault)
    await rotate_key(database, owner, vault)
    async with database.owned(owner) as session:
        resumed = await connections.find_secrets(session, owner, connection, vault)
        older = await session.scalar(OLDER, {"before": newest})
        key = await session.scalar(NEWEST)
    return {"after_death": dict(after_death.fields), "resumed": dict(resumed.fields), "older": older, "key": key}


def main() -> None:
    settings, newest = load(Settings), 1
    owner, connection = OwnerId(UUID(sys.argv[1])), ConnectionId(UUID(sys.argv[2]))
    for number in range(1, STATEMENTS_MAX):
        if not killed(settings, owner, number):
            return
        found = asyncio.run(with_database(settings, what_is_there, owner, connection, newest))
        newest = found["key"]
        sys.stdout.write(json.dumps({"statement": number, **found}) + "\n")


if __name__ == "__main__":
    main()
