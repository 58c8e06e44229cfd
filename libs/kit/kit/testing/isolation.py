"""The proof that a database keeps owners apart: every relation by enumeration, every verb by trying.

`findings` returns sentences about what is wrong, and nothing else is right: a table that somebody adds tomorrow is
looked at without being named here. It reads the catalogue (row-level security on and forced, policies with the owner,
views that run as their reader, functions, roles, grants, keys), then writes rows of two owners into every table of a
throw-away database and tries four verbs in four states of the owner setting.

What may be shared is named, each with its reason: a table without an owner, or a key that is unique across owners.
A primary key of one random id is such by its nature and needs no name.
"""

# ruff: noqa: S608 - every statement is put together from the catalogue of a throw-away database

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

import asyncpg

from kit.ids import new_id
from kit.testing.databases import TestDatabase

OWN_TABLES: Final = {
    "alembic_version": "the number of the newest migration",
    "inbox": "ids of handled messages, with nothing of their content",
}
OWN_KEYS: Final = {
    "events_pkey": "the place in the one line of events, drawn by the database",
    "events_id_key": "a random id, made by us",
}
OWNER: Final = "current_setting('app.owner_id'::text)"


async def findings(
    database: TestDatabase, service: str, tables: Mapping[str, str], keys: Mapping[str, str] | None = None
) -> list[str]:
    """Look at everything in a fresh database of a service; return what is wrong with it, in sentences.

    Args:
        database: a throw-away one: its constraints are removed on the way, to fill it with rows of any kind.
        service: whose roles are meant: `<service>_app` and `<service>_worker`.
        tables: the tables without an owner that the app role may use, each with the reason.
        keys: the unique keys of tables with owners that do not hold the owner, each with the reason.
    """
    admin = await asyncpg.connect(database.admin_url)
    try:
        found = await _catalogue(admin, service, {**OWN_TABLES, **tables}, {**OWN_KEYS, **(keys or {})})
        return found + await _behaviour(admin, database.app_url.replace("+asyncpg", ""))
    finally:
        await admin.close()


# --- the catalogue -------------------------------------------------------------------------------------------------

HERE: Final = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
HAS_OWNER: Final = "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'owner_id')"
USABLE: Final = "has_table_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, DELETE')"

UNPROTECTED = f"""
SELECT c.relname || ' does not force row-level security' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {HERE} AND c.relkind IN ('r', 'p') AND {HAS_OWNER} AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
"""
POLICIES = f"""
SELECT c.relname AS name, p.polname AS policy, p.polcmd AS verb,
       pg_get_expr(p.polqual, p.polrelid) AS reads, pg_get_expr(p.polwithcheck, p.polrelid) AS writes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_policy p ON p.polrelid = c.oid
   AND (p.polroles = '{{0}}' OR EXISTS (SELECT FROM unnest(p.polroles) r WHERE pg_has_role($1, r, 'USAGE')))
 WHERE {HERE} AND c.relkind IN ('r', 'p') AND {HAS_OWNER}
"""
WITHOUT_OWNER = f"""
SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {HERE} AND c.relkind IN ('r', 'p') AND NOT {HAS_OWNER} AND {USABLE}
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
VIEWS = f"""
SELECT c.relname || ' is a view that runs as its maker' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {HERE} AND c.relkind = 'v' AND {USABLE}
   AND NOT coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)
UNION ALL
SELECT c.relname || ' is a copy or a foreign table the app role can use' FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {HERE} AND c.relkind IN ('m', 'f') AND {USABLE}
"""
FUNCTIONS = f"""
SELECT p.proname || ' runs as its maker, with whatever search_path its caller has' FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE {HERE} AND p.prosecdef AND has_function_privilege($1, p.oid, 'EXECUTE')
   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search_path=%')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
ROLES = """
SELECT rolname || ' may do more than its work: superuser, bypass, create or replicate' FROM pg_roles
 WHERE rolname = ANY($1::text[]) AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
UNION ALL
SELECT member.rolname || ' is a member of ' || role.rolname FROM pg_auth_members m
  JOIN pg_roles member ON member.oid = m.member JOIN pg_roles role ON role.oid = m.roleid
 WHERE member.rolname = ANY($1::text[])
UNION ALL
SELECT r.rolname || ' owns ' || c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
 WHERE r.rolname = ANY($1::text[])
"""
GRANTS = f"""
SELECT c.relname || ': ' || $1 || ' may truncate, reference or put triggers on it' FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {HERE} AND c.relkind IN ('r', 'p') AND has_table_privilege($1, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')
   AND ({HAS_OWNER} OR $1 LIKE '%\\_app')
UNION ALL
SELECT 'default privileges give something to ' || $1 FROM pg_default_acl d, aclexplode(d.defaclacl) g
 WHERE g.grantee = (SELECT oid FROM pg_roles WHERE rolname = $1)
"""
# a primary key of a single uuid is a random id of ours: it tells nobody anything
KEYS = f"""
SELECT k.conname AS name, c.relname AS of FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {HERE} AND k.contype IN ('p', 'u', 'f') AND {HAS_OWNER} AND k.conparentid = 0
   AND NOT (k.contype = 'p' AND cardinality(k.conkey) = 1 AND EXISTS (
       SELECT FROM pg_attribute a
        WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1] AND a.atttypid = 'uuid'::regtype))
   AND NOT EXISTS (SELECT FROM unnest(k.conkey) column_number JOIN pg_attribute a
                     ON a.attrelid = k.conrelid AND a.attnum = column_number WHERE a.attname = 'owner_id')
UNION ALL
SELECT i.relname, c.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class c ON c.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {HERE} AND x.indisunique AND {HAS_OWNER} AND NOT c.relispartition
   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)
   AND NOT EXISTS (SELECT FROM unnest(x.indkey::int[]) column_number JOIN pg_attribute a
                     ON a.attrelid = c.oid AND a.attnum = column_number WHERE a.attname = 'owner_id')
"""


async def _catalogue(
    admin: "asyncpg.Connection[Any]", service: str, tables: Mapping[str, str], keys: Mapping[str, str]
) -> list[str]:
    app, roles = f"{service}_app", [f"{service}_app", f"{service}_worker"]
    found = [row[0] for row in await admin.fetch(UNPROTECTED)]
    found += [complaint for row in await admin.fetch(POLICIES, app) if (complaint := _wrong_policy(row))]
    ownerless = {row["name"] for row in await admin.fetch(WITHOUT_OWNER, app)}
    found += [f"{name} has no owner, and the app role can use it" for name in sorted(ownerless - tables.keys())]
    for query in (VIEWS, FUNCTIONS):
        found += [row[0] for row in await admin.fetch(query, app)]
    found += [row[0] for row in await admin.fetch(ROLES, roles)]
    for role in roles:
        found += [row[0] for row in await admin.fetch(GRANTS, role)]
    loose = {(row["name"], row["of"]) for row in await admin.fetch(KEYS)}
    found += [f"{name} of {table} does not hold the owner" for name, table in sorted(loose) if name not in keys]
    there = {name for name, _ in loose}
    stale = (keys.keys() - there - OWN_KEYS.keys()) | (tables.keys() - ownerless - OWN_TABLES.keys())
    return found + [f"{name} is permitted and does not need it: take the permission away" for name in sorted(stale)]


def _wrong_policy(row: asyncpg.Record) -> str | None:
    """A policy of the app role has to name the owner, for what it reads and for what it writes."""
    if row["policy"] is None:
        return f"{row['name']} has no policy for the app role"
    sides = {"reads": row["verb"] != b"a", "writes": row["verb"] in {b"a", b"w", b"*"}}
    for side, matters in sides.items():
        expression = row[side] if side == "reads" else (row[side] or row["reads"])
        if matters and OWNER not in (expression or ""):
            return f"policy {row['policy']} of {row['name']} {side} without the owner"
    return None


# --- behaviour -----------------------------------------------------------------------------------------------------

TABLES = f"""
SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {HERE} AND c.relkind IN ('r', 'p') AND {HAS_OWNER} AND NOT c.relispartition ORDER BY 1, 2
"""
CHECKS = f"""
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname) FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {HERE} AND k.contype = 'c' AND k.conislocal AND {HAS_OWNER}
"""
COLUMNS = """
SELECT a.attname AS name, t.typname AS kind
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attidentity <> 'a' AND a.attgenerated = ''
"""
SETTINGS: Final[Mapping[str, str | None]] = {"no owner": None, "an empty owner": "", "a malformed owner": "' OR true"}


@dataclass(frozen=True)
class Table:
    """A table with owners, and what a row of it is made of."""

    name: str
    columns: Mapping[str, str]

    def insert(self) -> str:
        """The statement that writes a row."""
        names = ", ".join(f'"{name}"' for name in self.columns)
        places = ", ".join(f"${number}" for number in range(1, len(self.columns) + 1))
        return f"INSERT INTO {self.name} ({names}) VALUES ({places})"

    def row(self, owner: UUID) -> list[Any]:
        """Values that nobody else has."""
        return [owner if name == "owner_id" else _some(kind) for name, kind in self.columns.items()]


def _some(kind: str) -> Any:
    number = new_id().int % 1_000_000_007
    moment = datetime.now(UTC)
    ready: dict[str, Any] = {
        "uuid": new_id(),
        "text": f"t{number}",
        "varchar": f"t{number}",
        "numeric": Decimal(number),
        "int2": number % 30_000,
        "int4": number,
        "int8": number,
        "float8": 1.0,
        "bool": True,
        "date": date(2024, 1, 1) + timedelta(days=number % 3_000),
        "time": time(9),
        "timestamptz": moment,
        "interval": timedelta(seconds=1),
        "bytea": str(number).encode(),
        "jsonb": json.dumps({"n": number}),
        "json": json.dumps({"n": number}),
        "inet": ip_address("127.0.0.1"),
        "cidr": None,
    }
    if kind.startswith("_"):
        return []
    assert kind in ready, f"no value is known for a column of type {kind}: add one here"
    return ready[kind]


async def fill(admin: "asyncpg.Connection[Any]", *owners: UUID) -> list[Table]:
    """Write a row of each owner into every table that has owners; checks and references are gone afterwards."""
    for row in await admin.fetch(CHECKS):
        await admin.execute(row[0])
    tables = []
    await admin.execute("SET session_replication_role = replica")  # rows for this test refer to nothing
    for row in await admin.fetch(TABLES):
        name = f'"{row["schema"]}"."{row["name"]}"'
        columns = {column["name"]: column["kind"] for column in await admin.fetch(COLUMNS, name)}
        tables.append(Table(name, columns))
        for owner in owners:
            await admin.execute(tables[-1].insert(), *tables[-1].row(owner))
    return tables


async def _behaviour(admin: "asyncpg.Connection[Any]", app_url: str) -> list[str]:
    """Fill every table for two owners, then try to be the wrong one."""
    mine, theirs = new_id(), new_id()
    tables = await fill(admin, mine, theirs)
    found: list[str] = []
    for table in tables:
        for state, setting in SETTINGS.items():
            async with _as_app(app_url, setting) as app:
                found += [f"{table.name}: {verb} works with {state}" for verb in await _possible(app, table, theirs)]
        async with _as_app(app_url, str(mine)) as app:
            found += [f"{table.name}: {what}" for what in await _reach(app, table, mine, theirs)]
    return found


@asynccontextmanager
async def _as_app(url: str, owner: str | None) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection of the app role with the setting as it is given, or as a committed transaction leaves it."""
    app = await asyncpg.connect(url)
    try:
        if owner is not None:
            await app.execute("SELECT set_config('app.owner_id', $1, false)", owner)
        yield app
    finally:
        await app.close()


def _statements(table: Table, owner: UUID) -> dict[str, tuple[str, list[Any]]]:
    return {
        "SELECT": (f"SELECT count(*) FROM {table.name} WHERE owner_id = $1", [owner]),
        "UPDATE": (f"UPDATE {table.name} SET owner_id = owner_id WHERE owner_id = $1", [owner]),
        "DELETE": (f"DELETE FROM {table.name} WHERE owner_id = $1", [owner]),
        "INSERT": (table.insert(), table.row(owner)),
    }


async def _possible(app: "asyncpg.Connection[Any]", table: Table, owner: UUID) -> list[str]:
    """Which verbs do not end in an error; each is undone."""
    possible = []
    for verb, (statement, values) in _statements(table, owner).items():
        attempt = app.transaction()
        await attempt.start()
        try:
            await app.execute(statement, *values)
            possible.append(verb)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.DataError, asyncpg.UndefinedObjectError):
            pass
        finally:
            await attempt.rollback()
    return possible


async def _reach(app: "asyncpg.Connection[Any]", table: Table, mine: UUID, theirs: UUID) -> list[str]:
    """What one owner can do to another's rows: nothing, and their own cannot be given away."""
    reached = []
    attempts = {**_statements(table, theirs)}
    attempts["GIVE AWAY"] = (f"UPDATE {table.name} SET owner_id = $1 WHERE owner_id = $2", [theirs, mine])
    for verb, (statement, values) in attempts.items():
        attempt = app.transaction()
        await attempt.start()
        try:
            if verb == "SELECT":
                done = bool(await app.fetchval(statement, *values))
            else:
                done = not str(await app.execute(statement, *values)).endswith(" 0")
            if done:
                reached.append(f"{verb} reaches another owner's rows")
        except asyncpg.InsufficientPrivilegeError:
            pass
        finally:
            await attempt.rollback()
    return reached
