"""Fundamentals: ratios by symbol and the day they became known."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from kit.db import Session
from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert

from market.domain.figures import Ratios
from market.domain.screen import RATIOS
from market.store.tables import fundamentals

SHARED = "what a company reports is the same for every user"


async def list_known(session: Session, symbol: str, on: date, limit: int) -> Sequence[Row[Any]]:
    """What was known on a day, the newest first."""
    known = select(fundamentals).where(fundamentals.c.symbol == symbol, fundamentals.c.known_since <= on)
    return (await session.execute(known.order_by(fundamentals.c.known_since.desc()).limit(limit))).all()


async def save(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep rows of `symbol`, `known_since`, `source` and the ratios; what a source does not tell of a day stays."""
    if not rows:
        return
    statement = insert(fundamentals)
    told = {name: func.coalesce(statement.excluded[name], fundamentals.c[name]) for name in RATIOS}
    changing = told | {"source": statement.excluded.source}
    statement = statement.on_conflict_do_update(index_elements=["symbol", "known_since"], set_=changing)
    await session.execute(statement, list(rows))


async def save_ratios(session: Session, known: Sequence[Ratios]) -> None:
    """Keep what a source tells of some ratios."""
    blank = dict.fromkeys(RATIOS)
    rows = [
        {"symbol": one.symbol, "known_since": one.known_since, "source": one.source, **blank, **one.values}
        for one in known
    ]
    await save(session, rows)
