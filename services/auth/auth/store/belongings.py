"""Everything that is somebody's here, as they are given it: each table they own, without what is secret in it."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from kit.db import Session as Transaction
from kit.json import dumps
from sqlalchemy import Table, select

from auth.domain.user import UserId
from auth.store.tables import (
    api_keys,
    delegations,
    exports,
    familiar_places,
    identities,
    mails,
    passkeys,
    second_factors,
    sessions,
    users,
)

TOLD: Final[Mapping[Table, frozenset[str]]] = {
    users: frozenset({"password_hash"}),
    sessions: frozenset(),
    familiar_places: frozenset({"digest"}),
    second_factors: frozenset({"sealed", "last_step"}),
    mails: frozenset(),
    passkeys: frozenset({"credential_id", "public_key"}),
    identities: frozenset(),
    api_keys: frozenset({"sealed_secret"}),
    delegations: frozenset(),
    exports: frozenset(),
}
"""What is told, and the columns that are not: secrets and what is made of them, of no use to anybody but us."""
UNTOLD: Final = {
    "refresh_tokens": "hashes of secrets; the sessions they belong to are told",
    "recovery_codes": "hashes of secrets",
    "mail_tokens": "hashes of secrets, for minutes",
    "export_parts": "the archives themselves",
    "events": "the outbox: facts about what is told from its own tables",
}
PORTION: Final = 500


async def list_all(session: Transaction, owner: UserId) -> AsyncIterator[bytes]:
    """Yield one JSON document in pieces: each table's rows under its name. In a transaction of the worker role."""
    opening = b"{"
    for table, hidden in TOLD.items():
        yield opening + b'"%s":[' % table.name.encode()
        columns = [column for column in table.c if column.name not in hidden]
        rows = await session.stream(
            select(*columns).where(table.c.owner_id == owner), execution_options={"yield_per": PORTION}
        )
        names = [str(column.name) for column in columns]
        between = b""
        async for row in rows:
            yield between + dumps(dict(zip(names, row, strict=True)))
            between = b","
        opening = b"],"
    yield b"]}"
