"""Several writes in one round trip: each is a part of one statement, and none sees what another does.

An order was written by three statements and a fill by six. What a statement costs beside its work (a round trip, a
snapshot, the driver's bookkeeping) was most of what it cost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kit.db import Session
from kit.events import APPEND, Event, announce, given_of
from kit.sql import Compiled, Convert, Row, Statement

SHARED = "whose rows are written is said by the writes that are joined here"
PLACE = re.compile(r"\$(\d+)")
WITH = "WITH "

_joined: dict[tuple[int, ...], Statement] = {}


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that writes, and what it is given."""

    statement: Statement
    given: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Writes:
    """Writes that were joined into one statement, what it is given, and the facts it appends."""

    statement: Statement
    given: dict[str, Any]
    told: dict[str, Any] | None


async def write(session: Session, *writes: Write, facts: Sequence[Event] = (), owner: Any = None) -> list[Row]:
    """Run writes together, and append facts with them; return the rows of the last write."""
    joined = join(*writes, facts=facts, owner=owner)
    rows = await joined.statement.all(session, joined.given)
    if joined.told is not None:
        announce(session, joined.told)
    return rows


async def write_all(session: Session, each: Sequence[Writes]) -> list[Row]:
    """Run several that were joined of the same writes in one round trip; return the rows of all, in order.

    The caller announces what they tell, each in the context it is part of.
    """
    assert len({joined.statement for joined in each}) == 1, "one statement is run for all"
    return await each[0].statement.many(session, [joined.given for joined in each])


def join(*writes: Write, facts: Sequence[Event] = (), owner: Any = None) -> Writes:
    """Join writes into one statement; the rows of the last write are its rows."""
    *before, last = writes
    told = given_of(*facts, owner=owner) if facts else None
    if told is not None:
        before.append(Write(APPEND, told))
    parts = [*before, last]
    key = tuple(id(part.statement) for part in parts)
    statement = _joined.get(key)
    if statement is None:
        statement = _joined[key] = _join([part.statement.compiled(part.given) for part in parts])
    given = {f"{number}.{name}": value for number, part in enumerate(parts) for name, value in part.given.items()}
    return Writes(statement, given, told)


def _moved_on(text: str, by: int) -> str:
    return PLACE.sub(lambda found: f"${int(found[1]) + by}", text)


def _join(parts: Sequence[Compiled]) -> Statement:
    """One statement of several; the last may have a WITH of its own, those before it may not."""
    texts: list[str] = []
    values: list[tuple[str | None, Any, Convert | None]] = []
    for number, part in enumerate(parts):
        texts.append(_moved_on(part.text.strip(), len(values)))
        values += [
            (None if name is None else f"{number}.{name}", constant, convert) for name, constant, convert in part.values
        ]
    *before, last = texts
    assert not any(text.startswith(WITH) for text in before), "only the last may have parts of its own"
    named = ", ".join(f"write_{number} AS ({text})" for number, text in enumerate(before))
    if not named:
        return Statement(Compiled(last, tuple(values)))
    rest = f", {last.removeprefix(WITH)}" if last.startswith(WITH) else f" {last}"
    return Statement(Compiled(f"{WITH}{named}{rest}", tuple(values)))
