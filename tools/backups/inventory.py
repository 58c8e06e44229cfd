"""What a cluster holds: rows of every table, by owner where rows have one. Two clusters are the same when these are."""

from dataclasses import dataclass

import asyncpg

from tools.native import credentials
from tools.native.credentials import database
from tools.native.layout import Layout
from tools.native.ports import SERVICES

# Partitions are counted in their parent.
TABLES = """
SELECT c.oid::regclass::text AS name,
       EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'owner_id' AND NOT a.attisdropped) AS owned
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = 'public'
 ORDER BY 1
"""

# The name comes from the catalogue, which quotes it where it must be.
COUNT_BY_OWNER = "SELECT coalesce(owner_id::text, '-') AS whose, count(*) AS rows FROM {} GROUP BY 1"
COUNT = "SELECT '-' AS whose, count(*) AS rows FROM {}"

Inventory = dict[str, dict[str, int]]
"""`database.table` → owner (`-` where rows have none) → rows."""


@dataclass(frozen=True)
class Server:
    """Where a cluster answers, for its superuser: row-level security hides nothing from it."""

    host: str
    port: int
    password: str

    def url(self, name: str) -> str:
        return f"postgresql://postgres:{self.password}@{self.host}:{self.port}/{name}"


def server_of(layout: Layout) -> Server:
    """The database of a running stack, as its superuser sees it."""
    passwords = credentials.open_passwords(layout)
    return Server(*layout.database, passwords.of(credentials.POSTGRES_ADMIN))


async def take_inventory(server: Server) -> Inventory:
    """Count everything, each database in one snapshot."""
    found: Inventory = {}
    for service in SERVICES:
        connection = await asyncpg.connect(server.url(database(service)), timeout=10)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                for table in await connection.fetch(TABLES):
                    counted = await connection.fetch(
                        (COUNT_BY_OWNER if table["owned"] else COUNT).format(table["name"])
                    )
                    found[f"{database(service)}.{table['name']}"] = {row["whose"]: row["rows"] for row in counted}
        finally:
            await connection.close()
    return found


def rows_in(inventory: Inventory) -> int:
    return sum(sum(owners.values()) for owners in inventory.values())


def differences(expected: Inventory, found: Inventory) -> list[str]:
    """One line for each table and owner whose rows differ."""
    lines = []
    for table in sorted(expected.keys() | found.keys()):
        before, after = expected.get(table, {}), found.get(table, {})
        lines += [
            f"{table}: {after.get(owner, 0)} rows of {owner}, {before.get(owner, 0)} were saved"
            for owner in sorted(before.keys() | after.keys())
            if before.get(owner) != after.get(owner)
        ]
    return lines
