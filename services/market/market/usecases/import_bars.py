"""Store the bars of an upload, and the instruments they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import polars as pl
from kit.db import Session
from kit.events import record
from quant.markets.listing import Board, Kind, currency_of, market_of

from market.domain.instrument import AdjustmentOfBars, Instrument
from market.errors import BadUpload
from market.events import BarsImported
from market.feeds.bar_rules import SYMBOLS_MAX
from market.store import bars, instruments, panels


@dataclass(frozen=True, slots=True)
class Origin:
    """What an upload says about all its rows: where they are traded, and who says so."""

    board: Board
    kind: Kind
    source: str
    names: Mapping[str, str]
    adjustment: AdjustmentOfBars


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of an import."""

    rows: int
    inserted: int
    updated: int
    unchanged: int
    symbols: int
    first_day: date
    last_day: date


async def import_bars(session: Session, import_id: UUID, rows: pl.DataFrame, origin: Origin) -> Imported:
    """Store rows that were judged good, all or none.

    Args:
        session: of the worker role, which alone may write prices.
        import_id: the id of this import, for the event.
        rows: as `bar_rules.read_bars` returns them, sorted by symbol and day; at least one.
        origin: board, kind, source, names, and whether the prices are adjusted already.
    """
    days = rows.group_by("symbol", maintain_order=True).agg(first=pl.col("day").min(), last=pl.col("day").max())
    if days.height > SYMBOLS_MAX:
        raise BadUpload(f"An import may hold {SYMBOLS_MAX} symbols, this one has {days.height}: split it.")
    await bars.lock_imports(session)
    known = await instruments.find_many(session, days["symbol"].to_list())
    is_known = pl.col("symbol").is_in(list(known))
    new = await bars.save_new(session, rows.filter(~is_known), origin.source)
    merged = await bars.save_merged(session, rows.filter(is_known), origin.source)
    await instruments.save(session, [_instrument(origin, *row) for row in days.iter_rows()])
    await panels.save_revision(session, market_of(origin.board))
    fact = BarsImported(import_id=import_id, source=origin.source, symbols=days.height, rows=rows.height)
    await record(session, fact, owner=None)
    inserted = new.inserted + merged.inserted
    return Imported(
        rows=rows.height,
        inserted=inserted,
        updated=merged.updated,
        unchanged=rows.height - inserted - merged.updated,
        symbols=days.height,
        first_day=days["first"].min(),  # type: ignore[arg-type]
        last_day=days["last"].max(),  # type: ignore[arg-type]
    )


def _instrument(origin: Origin, symbol: str, first: date, last: date) -> Instrument:
    market = market_of(origin.board)
    return Instrument(
        symbol=symbol,
        market=market,
        board=origin.board,
        kind=origin.kind,
        currency=currency_of(market),
        name=origin.names.get(symbol, symbol),
        first_day=first,
        last_day=last,
        adjustment=origin.adjustment,
    )
