"""Instruments: written by imports, found by code or name."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kit.db import Session
from sqlalchemy import RowMapping, Text, any_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from market.domain.instrument import Instrument
from market.domain.screen import Universe
from market.store.tables import instruments

SHARED = "what is traded is the same for every user"


async def find(session: Session, symbol: str) -> Instrument | None:
    """The instrument with this code."""
    return (await find_many(session, [symbol])).get(symbol)


async def find_many(session: Session, symbols: Sequence[str]) -> Mapping[str, Instrument]:
    """Those of the codes that are known."""
    found = await session.execute(select(instruments).where(instruments.c.symbol.in_(symbols)))
    return {row["symbol"]: _instrument(row) for row in found.mappings()}


async def find_universe(session: Session, universe: Universe, symbols: Sequence[str]) -> Mapping[str, Instrument]:
    """Those of the symbols that belong to a universe."""
    wanted = select(instruments).where(
        instruments.c.market == universe.market, instruments.c.symbol == any_(literal(list(symbols), ARRAY(Text)))
    )
    if universe.boards:
        wanted = wanted.where(instruments.c.board.in_(universe.boards))
    if universe.kinds:
        wanted = wanted.where(instruments.c.kind.in_(universe.kinds))
    if universe.symbols:
        wanted = wanted.where(instruments.c.symbol == any_(literal(list(universe.symbols), ARRAY(Text))))
    found = await session.execute(wanted)
    return {row["symbol"]: _instrument(row) for row in found.mappings()}


async def list_matching(session: Session, query: str, market: str | None, after: str, limit: int) -> list[Instrument]:
    """Instruments whose code begins with, or whose name contains, the query; after a code, in order of codes."""
    matching = or_(
        instruments.c.symbol.startswith(query.upper(), autoescape=True),
        instruments.c.name.icontains(query, autoescape=True),
    )
    wanted = select(instruments).where(instruments.c.symbol > after, matching)
    if market is not None:
        wanted = wanted.where(instruments.c.market == market)
    found = await session.execute(wanted.order_by(instruments.c.symbol).limit(limit))
    return [_instrument(row) for row in found.mappings()]


async def save(session: Session, found: Sequence[Instrument]) -> None:
    """Add instruments, or widen the days of those known; a name that is only the code never replaces a real one."""
    statement = insert(instruments)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["symbol"],
        set_={
            "board": new.board,
            "kind": new.kind,
            "adjustment": new.adjustment,
            "name": case((new.name == new.symbol, instruments.c.name), else_=new.name),
            "first_day": func.least(instruments.c.first_day, new.first_day),
            "last_day": func.greatest(instruments.c.last_day, new.last_day),
        },
    )
    await session.execute(statement, [asdict(instrument) for instrument in found])


def _instrument(row: RowMapping) -> Instrument:
    values: dict[str, Any] = dict(row)
    return Instrument(**values)
