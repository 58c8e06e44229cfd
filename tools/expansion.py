"""What a migration takes away from the code that ran before it: the old code runs beside it while a release goes on.

Judged from the database itself, before and after each step, so it does not matter how the step was written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import asyncpg

TABLES: Final = "c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
COLUMNS: Final = f"""
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.atthasdef OR a.attidentity <> '' AS fills_itself
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE a.attnum > 0 AND NOT a.attisdropped AND {TABLES}
"""  # noqa: S608 - put together from what stands here
CONSTRAINTS: Final = f"""
SELECT c.relname, pg_get_constraintdef(o.oid) AS says,
       ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (o.conkey)) AS columns
  FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid WHERE {TABLES}
UNION
SELECT c.relname, regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \\S+ ON', 'INDEX ON'),
       ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE i.indisunique AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid) AND {TABLES}
"""  # noqa: S608 - put together from what stands here
RIGHTS: Final = f"""
SELECT c.relname, r.rolname, g.privilege_type
  FROM pg_class c, aclexplode(c.relacl) g JOIN pg_roles r ON r.oid = g.grantee
 WHERE {TABLES} AND g.grantee <> c.relowner
"""  # noqa: S608 - put together from what stands here
FUNCTIONS: Final = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
WORD: Final = re.compile(r"'([^']*)'::[a-z ]+(?:, )?")


@dataclass(frozen=True)
class Column:
    kind: str
    is_required: bool
    fills_itself: bool


@dataclass(frozen=True)
class Rule:
    """A constraint, or a unique index: what rows have to hold."""

    table: str
    says: str
    columns: frozenset[str]

    def allows_all_of(self, other: "Rule") -> bool:
        """Whether it is the same list of allowed words, and longer."""
        mine, theirs = (set(WORD.findall(rule.says)) for rule in (self, other))
        return WORD.sub("", self.says) == WORD.sub("", other.says) and theirs <= mine


@dataclass(frozen=True)
class Shape:
    """What code can see of a database."""

    tables: dict[str, dict[str, Column]]
    rules: frozenset[Rule]
    rights: frozenset[tuple[str, str, str]]
    """Table, role, what it may do."""
    functions: frozenset[str]


async def shape_of(connection: asyncpg.Connection) -> Shape:
    """Look at a database as its superuser."""
    tables: dict[str, dict[str, Column]] = {}
    for table, name, kind, is_required, fills_itself in await connection.fetch(COLUMNS):
        tables.setdefault(table, {})[name] = Column(kind, is_required, fills_itself)
    rules = [Rule(table, says, frozenset(columns)) for table, says, columns in await connection.fetch(CONSTRAINTS)]
    rights = [tuple(row) for row in await connection.fetch(RIGHTS)]
    functions = [row["proname"] for row in await connection.fetch(FUNCTIONS)]
    return Shape(tables, frozenset(rules), frozenset(rights), frozenset(functions))


def narrowings(before: Shape, after: Shape) -> list[str]:
    """One line for each thing that code of before could do and cannot any more, or may not be able to."""
    return sorted(
        {
            *(f"the table {table} is gone" for table in before.tables.keys() - after.tables.keys()),
            *(f"the function {name} is gone" for name in before.functions - after.functions),
            *(
                f"{role} may not {right} {table} any more"
                for table, role, right in before.rights - after.rights
                if table in after.tables
            ),
            *_of_columns(before, after),
            *_of_rules(before, after),
        }
    )


def _of_columns(before: Shape, after: Shape) -> Iterator[str]:
    for table in before.tables.keys() & after.tables.keys():
        old, new = before.tables[table], after.tables[table]
        yield from (f"the column {table}.{name} is gone" for name in old.keys() - new.keys())
        for name, column in new.items():
            known = old.get(name)
            must_be_given = column.is_required and not column.fills_itself
            if known is None and must_be_given:
                yield f"the column {table}.{name} is new, and must be given"
            if known is not None and known.kind != column.kind:
                yield f"the column {table}.{name} was {known.kind} and is {column.kind}"
            if known is not None and must_be_given and not (known.is_required and not known.fills_itself):
                yield f"the column {table}.{name} must be given now"


def _of_rules(before: Shape, after: Shape) -> Iterator[str]:
    """A rule about new columns alone binds nobody who does not know them."""
    for rule in after.rules - before.rules:
        known = before.tables.get(rule.table, {}).keys()
        if not rule.columns & known:
            continue
        gone = [old for old in before.rules - after.rules if old.table == rule.table]
        if not any(rule.allows_all_of(old) for old in gone):
            yield f"{rule.table} has a new rule about {', '.join(sorted(rule.columns))}"
