"""Fresh databases for tests: migrated once into a template, copied, emptied after each test and lent to the next.

Emptying is much cheaper than copying and dropping. It is only for what a test did to rows: a database whose schema,
grants or rows of migrations are not the template's any more, or that has grown, is dropped; the next is a new copy.
"""

import asyncio
import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kit.ids import new_id
from kit.migrate import SCRIPTS, migrations_of, upgrade

ROLE_PASSWORD = "only-for-tests"  # noqa: S105 - roles of a throw-away server on loopback
TEMPLATE_LOCK = 7_341_021


@dataclass(frozen=True)
class TestDatabase:
    """The addresses of one fresh database."""

    __test__ = False

    name: str
    app_url: str
    system_url: str
    owner_url: str
    admin_url: str


def _address(server: str, database: str, role: str | None = None, scheme: str = "postgresql+asyncpg") -> str:
    parts = urlsplit(server)
    host = f"{parts.hostname}:{parts.port}"
    login = f"{role}:{ROLE_PASSWORD}" if role else parts.netloc.rsplit("@", 1)[0]
    return urlunsplit((scheme, f"{login}@{host}", f"/{database}", "", ""))


def _fingerprint(service: str) -> str:
    digest = hashlib.sha256()
    for folder in (migrations_of(service), Path(__file__).parent.parent):
        for file in sorted(folder.glob("*.py" if folder.name == "versions" else "migrations.py")):
            digest.update(file.read_bytes())
    digest.update((SCRIPTS / "env.py").read_bytes())
    return digest.hexdigest()[:12]


async def _prepare(server: str, service: str, template: str) -> bool:
    """Create roles and the empty template database; False when the template exists already."""
    admin = await asyncpg.connect(server)
    try:
        for suffix in ("owner", "app", "worker"):
            await admin.execute(
                f"DO $$ BEGIN CREATE ROLE {service}_{suffix} LOGIN PASSWORD '{ROLE_PASSWORD}'; "
                "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            return False
        await admin.execute(f"CREATE DATABASE {template}_new OWNER {service}_owner")
        return True
    finally:
        await admin.close()


async def _rename(server: str, old: str, new: str) -> None:
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"ALTER DATABASE {old} RENAME TO {new}")
    finally:
        await admin.close()


async def _drop(server: str, name: str) -> None:
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await admin.close()


@functools.cache
def ensure_template(server: str, service: str) -> str:
    """Migrate a service's template database, once per version of its migrations, whichever process comes first."""
    template = f"template_{service}_{_fingerprint(service)}"

    async def build() -> None:
        guard = await asyncpg.connect(server)
        try:
            await guard.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
            await _drop(server, f"{template}_new")
            if await _prepare(server, service, template):
                await asyncio.to_thread(upgrade, service, _address(server, f"{template}_new", f"{service}_owner"))
                await _rename(server, f"{template}_new", template)
        finally:
            await guard.close()

    asyncio.run(build())
    return template


async def create(server: str, service: str, template: str) -> TestDatabase:
    """Copy a template into a fresh database."""
    name = f"test_{service}_{os.getpid()}_{new_id().hex[-12:]}"
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {service}_owner")
    finally:
        await admin.close()
    return TestDatabase(
        name=name,
        app_url=_address(server, name, f"{service}_app"),
        system_url=_address(server, name, f"{service}_worker"),
        owner_url=_address(server, name, f"{service}_owner"),
        admin_url=_address(server, name, scheme="postgresql"),
    )


async def drop(server: str, database: TestDatabase) -> None:
    """Remove a test's database, whoever is still connected."""
    await _drop(server, database.name)


# --- lending ---------------------------------------------------------------------------------------------------------

GROWTH_BYTES_MAX = 8 << 20
LEAVING_MS_MAX = 5_000

SHAPE = """
SELECT md5(string_agg(each, ',' ORDER BY each)) FROM (
    SELECT concat_ws(':', c.oid, c.xmin) AS each FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_|^information_schema$'
    UNION ALL SELECT concat_ws(':', 'policy', oid, xmin) FROM pg_policy
    UNION ALL SELECT concat_ws(':', 'constraint', oid, xmin) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT concat_ws(':', 'trigger', oid, xmin) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(':', 'function', oid, xmin) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat_ws(':', 'schema', oid, xmin) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT concat_ws(':', 'grants to come', oid, xmin) FROM pg_default_acl
    UNION ALL SELECT concat_ws(':', 'setting', setrole, setconfig::text) FROM pg_db_role_setting
      JOIN pg_database d ON d.oid = setdatabase WHERE d.datname = current_database()
) AS everything
"""
"""What changes when anybody changes the schema: rows of the catalogue are replaced, never edited."""
TABLES = """
SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_|^information_schema$'
"""
SEQUENCES = """
SELECT format('SELECT setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
              coalesce(last_value, start_value), last_value IS NOT NULL) FROM pg_sequences
"""
LEAVE = """
SELECT count(pg_terminate_backend(pid, $1)) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
SIZE = "SELECT pg_database_size(current_database())"


@dataclass(frozen=True)
class Lent:
    """A database that a test has, and what it was like when it was new."""

    database: TestDatabase
    template: str
    shape: str
    size: int
    kept: tuple[tuple[str, str], ...]
    """Tables that migrations fill, each with the digest of its rows."""
    emptying: str
    """The statements that make every other table empty and every sequence begin again."""


_idle: list[Lent] = []
"""Those of this process that wait for a test."""


async def lend(server: str, service: str, template: str) -> Lent:
    """Return a database like a fresh copy of the template: one that is waiting, or a new one."""
    for lent in _idle:
        if lent.template == template:
            _idle.remove(lent)
            return lent
    database = await create(server, service, template)
    admin = await asyncpg.connect(database.admin_url)
    try:
        tables = [row["name"] for row in await admin.fetch(TABLES)]
        kept = [(name, digest) for name in tables if (digest := await _rows(admin, name)) is not None]
        emptied = [f"DELETE FROM {name}" for name in tables if name not in dict(kept)]  # noqa: S608 - of the catalogue
        emptied += [row[0] for row in await admin.fetch(SEQUENCES)]
        emptying = ";".join(("SET session_replication_role = replica", *emptied))
        shape, size = await admin.fetchval(SHAPE), await admin.fetchval(SIZE)
        return Lent(database, template, shape, size, tuple(kept), emptying)
    finally:
        await admin.close()


async def take_back(server: str, lent: Lent) -> None:
    """Empty a database for the next test, or drop it when rows are not all that changed."""
    admin = await asyncpg.connect(lent.database.admin_url)
    try:
        await admin.execute("SET statement_timeout = '20s'")
        await admin.fetchval(LEAVE, LEAVING_MS_MAX)
        as_new = await admin.fetchval(SHAPE) == lent.shape and await admin.fetchval(SIZE) < lent.size + GROWTH_BYTES_MAX
        for name, digest in lent.kept:
            as_new = as_new and await _rows(admin, name) == digest
        if as_new:
            await admin.execute(lent.emptying)
    finally:
        await admin.close()
    if as_new:
        _idle.append(lent)
    else:
        await drop(server, lent.database)


async def drop_idle(server: str) -> None:
    """Drop those that wait: no test comes any more."""
    while _idle:
        await drop(server, _idle.pop().database)


async def _rows(admin: "asyncpg.Connection[Any]", table: str) -> str | None:
    """Return a digest of a table's rows; None when there are none."""
    digest: str | None = await admin.fetchval(
        f"SELECT md5(string_agg(each::text, ',' ORDER BY each::text)) FROM {table} AS each"  # noqa: S608 - of the catalogue
    )
    return digest
