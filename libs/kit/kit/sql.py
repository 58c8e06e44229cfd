"""Statements compiled once and handed to the driver: for what runs with every request and every message.

SQLAlchemy writes the statement, with its types. What it does again at each execution (cache key, greenlet, cursor, rows
of its own) costs several times what the driver does, and on these paths that was most of a worker's time.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from kit.db import Session, driver_of, in_our_words
from kit.json import dumps_text, loads

DIALECT = PGDialect_asyncpg(json_serializer=dumps_text, json_deserializer=loads)  # type: ignore[no-untyped-call]

Given = Mapping[str, Any]
Convert = Callable[[Any], Any]
Ran = TypeVar("Ran")


class Row(asyncpg.Record):
    """A row whose columns are attributes as well, so that it reads like one of SQLAlchemy's."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def _mapping(self) -> "Row":
        return self


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the driver is given: the text, and where each of its numbered values comes from."""

    text: str
    values: tuple[tuple[str | None, Any, Convert | None], ...]
    """For each place the name it is given by, or None and a constant; and what turns it into the driver's own kind."""

    def arguments(self, given: Given) -> list[Any]:
        """The values in their places."""
        found = ((constant if name is None else given[name], convert) for name, constant, convert in self.values)
        return [value if convert is None else convert(value) for value, convert in found]


async def _done(compiled: Compiled, running: Awaitable[Ran]) -> Ran:
    try:
        return await running
    except asyncpg.PostgresError as failed:
        raise in_our_words(compiled.text, failed) from failed


class Statement:
    """One statement, always given the same names. As everywhere, JSON goes in as text and comes back read."""

    def __init__(self, clause: "ClauseElement | Compiled") -> None:
        self._clause = clause
        self._compiled = clause if isinstance(clause, Compiled) else None

    async def all(self, session: Session, given: Given) -> list[Row]:
        """Run it and return its rows."""
        one, run = self.compiled(given), driver_of(session).fetch
        return await _done(one, run(one.text, *one.arguments(given), record_class=Row))

    async def many(self, session: Session, each: Sequence[Given]) -> list[Row]:
        """Run it for each, in order, in one round trip; all rows. Where no transaction is open it is one by itself."""
        one, run = self.compiled(each[0]), driver_of(session).fetchmany
        return await _done(one, run(one.text, [one.arguments(given) for given in each], record_class=Row))

    async def first(self, session: Session, given: Given) -> Row | None:
        """Run it and return its first row, if there is one."""
        return next(iter(await self.all(session, given)), None)

    async def value(self, session: Session, given: Given) -> Any:
        """Run it and return the first column of its first row; None when there is no row."""
        return next((row[0] for row in await self.all(session, given)), None)

    async def count(self, session: Session, given: Given) -> int:
        """Run it and tell how many rows it has written."""
        one, run = self.compiled(given), driver_of(session).execute
        return int((await _done(one, run(one.text, *one.arguments(given)))).rpartition(" ")[2])

    def compiled(self, given: Given) -> Compiled:
        """What the driver is given, for values of these names."""
        return self._compiled or self._compile(given)

    def _compile(self, given: Given) -> Compiled:
        assert isinstance(self._clause, ClauseElement)
        made: Any = self._clause.compile(dialect=DIALECT, column_keys=sorted(given))
        assert not made.post_compile_params, "lists are given as arrays, or written as literals"
        places, needed = made.positiontup, made.construct_params(given)
        assert given.keys() <= set(places), f"a statement is given what it does not name: {given.keys() - set(places)}"
        self._compiled = Compiled(
            str(made),
            tuple((name if name in given else None, needed[name], made._bind_processors.get(name)) for name in places),
        )
        return self._compiled
