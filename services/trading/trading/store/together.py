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

PLACE = re.compile(r"\$(\d+)")
WITH = "WITH "

_joined: dict[tuple[int, ...], Statement] = {}


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that writes, and what it is given."""

    statement: Statement
    given: dict[str, Any]


async def write(session: Session, *writes: Write, facts: Sequence[Event] = (), owner: Any = None) -> list[Row]:
    """Run writes together, and append facts with them; return the rows of the last write."""
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
    rows = await statement.all(session, given)
    if told is not None:
        announce(session, told)
    return rows


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
