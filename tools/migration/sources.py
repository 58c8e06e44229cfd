"""Reads another installation, whatever it is kept in, into rows of text.

A folder of CSV files, one for each table; an SQLite file; or a plain dump of PostgreSQL (`pg_dump`, as Supabase gives
it), of which the COPY blocks are read and nothing is executed.
"""

import csv
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.native.errors import StackError

SQLITE_MAGIC = b"SQLite format 3\x00"
ROWS_MAX = 1_000_000
COPY = re.compile(r'^COPY (?:"?(\w+)"?\.)?"?(\w+)"? \(([^)]*)\) FROM stdin;$')
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
SCHEMAS = frozenset({"", "public", "auth"})
"""A Supabase dump holds much that is its own; people's tables are in public, their addresses in auth."""


@dataclass(frozen=True)
class Row:
    """One row: its columns in lower case, empty ones left out, and where it stands, for whoever has to mend it."""

    where: str
    values: dict[str, str]


Tables = dict[str, list[Row]]


def read(source: Path) -> Tables:
    """Read every table of another installation, by its name in lower case.

    Raises:
        StackError: when it is of no kind that we know, or cannot be read.
    """
    try:
        if source.is_dir():
            return _bounded({file.stem.lower(): _csv(file) for file in sorted(source.glob("*.csv"))})
        with source.open("rb") as file:
            is_sqlite = file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
        return _bounded(_sqlite(source) if is_sqlite else _dump(source))
    except (OSError, UnicodeDecodeError, csv.Error, sqlite3.Error) as unreadable:
        raise StackError(f"{source} cannot be read: {unreadable}") from unreadable


def _bounded(tables: Tables) -> Tables:
    if not tables:
        raise StackError("there is nothing in it: a folder of CSV files, an SQLite file or a plain pg_dump is needed")
    if sum(map(len, tables.values())) > ROWS_MAX:
        raise StackError(f"it has more than {ROWS_MAX:,} rows: leave out the tables of prices")
    return tables


def _row(where: str, pairs: Iterator[tuple[str, object]]) -> Row:
    texts = {name.strip().lower(): str(value).strip() for name, value in pairs if value is not None}
    return Row(where, {name: text for name, text in texts.items() if text})


def _csv(file: Path) -> list[Row]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened, restkey="_more", strict=True)
        return [_row(f"{file.name}:{reader.line_num}", iter(row.items())) for row in reader]


def _sqlite(file: Path) -> Tables:
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name.lower(): _sqlite_table(connection, name) for name in names if not name.startswith("sqlite_")}
    finally:
        connection.close()


def _sqlite_table(connection: sqlite3.Connection, name: str) -> list[Row]:
    quoted = name.replace('"', '""')
    found = connection.execute(f'SELECT * FROM "{quoted}" LIMIT {ROWS_MAX + 1}')  # noqa: S608 - quoted, and only read
    return [
        _row(f"{name}, row {number}", zip(row.keys(), tuple(row), strict=True)) for number, row in enumerate(found, 1)
    ]


def _dump(file: Path) -> Tables:
    tables: Tables = {}
    into: list[Row] | None = None
    columns: list[str] = []
    with file.open(encoding="utf-8") as opened:
        for number, line in enumerate(opened, 1):
            text = line.rstrip("\n")
            if into is None:
                if (begun := COPY.match(text)) and (begun[1] or "") in SCHEMAS:
                    columns = [name.strip().strip('"') for name in begun[3].split(",")]
                    into = tables.setdefault(begun[2].lower(), [])
            elif text == "\\.":
                into = None
            else:
                fields = [None if field == "\\N" else _unescaped(field) for field in text.split("\t")]
                if len(fields) != len(columns):
                    raise StackError(f"{file.name}:{number} has {len(fields)} fields, its table {len(columns)} columns")
                into.append(_row(f"{file.name}:{number}", zip(columns, fields, strict=True)))
    if into is not None:
        raise StackError(f"{file.name} ends within a table: the dump was cut off")
    return tables


def _unescaped(field: str) -> str:
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), field)
