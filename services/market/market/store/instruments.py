"""Instruments: written by imports, found by code or name."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from kit.db import Session
from sqlalchemy import RowMapping, Text, any_, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from market.domain.hangul import initials, is_initials
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


async def list_traded(session: Session, market: str, day: date, limit: int) -> list[Instrument]:
    """Instruments of a market that are not known to have left it before a day."""
    c = instruments.c
    wanted = select(instruments).where(c.market == market, or_(c.delisted_on.is_(None), c.delisted_on > day))
    return [_instrument(row) for row in (await session.execute(wanted.order_by(c.symbol).limit(limit))).mappings()]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for: a code's beginning, part of a name in either language, initial consonants, or an ISIN."""

    query: str = ""
    market: str | None = None
    sector: str | None = None
    kind: str | None = None


async def list_matching(session: Session, wanted: Wanted, after: str, limit: int) -> list[Instrument]:
    """Instruments that match everything asked; after a code, in order of codes."""
    query, c = wanted.query, instruments.c
    matching = (
        [c.initials.contains(initials(query), autoescape=True)]
        if is_initials(query)
        else [
            c.symbol.startswith(query.upper(), autoescape=True),
            c.name.icontains(query, autoescape=True),
            c.name_en.icontains(query, autoescape=True),
            c.isin == query.upper(),
        ]
    )
    statement = select(instruments).where(c.symbol > after, or_(*matching))
    for column, value in ((c.market, wanted.market), (c.sector, wanted.sector), (c.kind, wanted.kind)):
        if value is not None:
            statement = statement.where(column == value)
    found = await session.execute(statement.order_by(c.symbol).limit(limit))
    return [_instrument(row) for row in found.mappings()]


async def save_master(session: Session, entries: Sequence[dict[str, Any]]) -> set[str]:
    """Tell more of known instruments: each entry is a symbol and the columns to set. Returns the symbols known."""
    known = set(await find_many(session, [entry["symbol"] for entry in entries]))
    for entry in entries:
        values = {name: value for name, value in entry.items() if name != "symbol"}
        if "name" in values:
            values["initials"] = initials(values["name"])
        if entry["symbol"] in known and values:
            await session.execute(update(instruments).where(instruments.c.symbol == entry["symbol"]).values(values))
    return known


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
            "initials": case((new.name == new.symbol, instruments.c.initials), else_=new.initials),
            "first_day": func.least(instruments.c.first_day, new.first_day),
            "last_day": func.greatest(instruments.c.last_day, new.last_day),
        },
    )
    await session.execute(statement, [_row(instrument) for instrument in found])


def _row(instrument: Instrument) -> dict[str, Any]:
    return asdict(instrument) | {"initials": initials(instrument.name)}


def _instrument(row: RowMapping) -> Instrument:
    values: dict[str, Any] = dict(row)
    del values["initials"]
    return Instrument(**values)
