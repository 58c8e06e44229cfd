"""Daily bars: stored through COPY, read as columns that PostgreSQL wrote."""

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import polars as pl
from kit.db import Session
from sqlalchemy import text

from market.domain.instrument import Bar

SHARED = "prices are the same for every user"

CHUNK_ROWS = 100_000
"""One COPY or merge at a time: each stays far below the statement timeout."""

IMPORT_LOCK = 4_901_001
COPY_TIMEOUT_SECONDS = 60
COLUMNS = ("symbol", "day", "open", "high", "low", "close", "volume", "halted", "source")

UPDATE_CHANGED = text(
    """
    UPDATE bars
       SET open = s.open, high = s.high, low = s.low, close = s.close,
           volume = s.volume, halted = s.halted, source = s.source
      FROM bars_staging s
     WHERE bars.symbol = s.symbol AND bars.day = s.day AND bars.day BETWEEN :first AND :last
       AND (bars.open, bars.high, bars.low, bars.close, bars.volume)
           IS DISTINCT FROM (s.open, s.high, s.low, s.close, s.volume)
    """
)
INSERT_NEW = text("INSERT INTO bars SELECT * FROM bars_staging ON CONFLICT (symbol, day) DO NOTHING")

SERIES = text(
    """
    SELECT coalesce(json_object_agg(symbol, series), '{}')::text FROM (
        SELECT symbol, json_build_object(
                   'date', json_agg(day), 'open', json_agg(open), 'high', json_agg(high),
                   'low', json_agg(low), 'close', json_agg(close), 'volume', json_agg(volume)) AS series
          FROM (SELECT b.symbol, day, open * factor AS open, high * factor AS high, low * factor AS low,
                       close * factor AS close, round(volume * coalesce(a.volume_factor, 1))::bigint AS volume
                  FROM bars b
                  LEFT JOIN adjustments a ON a.symbol = b.symbol AND b.day BETWEEN a.first_day AND a.last_day
                 CROSS JOIN LATERAL (SELECT coalesce(a.price_factor, 1) AS factor) f
                 WHERE b.symbol = ANY(:symbols) AND day BETWEEN :first AND :last AND NOT halted
                 ORDER BY b.symbol, day) bar
         GROUP BY symbol
    ) one
    """
)
DAY = text(
    """
    SELECT bars.symbol, day, open, high, low, close, volume, halted,
           (SELECT earlier.close FROM bars earlier
             WHERE earlier.symbol = bars.symbol AND earlier.day < bars.day
             ORDER BY earlier.day DESC LIMIT 1) AS previous_close
      FROM bars WHERE symbol = ANY(:symbols) AND day = :day
    """
)


class Merged(NamedTuple):
    """How many rows were new, and how many said something else than before."""

    inserted: int
    updated: int


async def lock_imports(session: Session) -> None:
    """Let one import run at a time, until the end of the transaction."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": IMPORT_LOCK})


async def save_new(session: Session, rows: pl.DataFrame, source: str) -> Merged:
    """Store rows of symbols that have none yet: straight into the table, as nothing can conflict."""
    for chunk in rows.iter_slices(CHUNK_ROWS):
        await _copy(session, "bars", chunk, source)
    return Merged(inserted=rows.height, updated=0)


async def save_merged(session: Session, rows: pl.DataFrame, source: str) -> Merged:
    """Store rows of which some may be there already: new days are inserted, days that differ replaced."""
    inserted = updated = 0
    for chunk in rows.iter_slices(CHUNK_ROWS):
        await session.execute(text("TRUNCATE bars_staging"))
        await _copy(session, "bars_staging", chunk, source)
        days = {"first": chunk["day"].min(), "last": chunk["day"].max()}
        updated += (await session.execute(UPDATE_CHANGED, days)).rowcount
        inserted += (await session.execute(INSERT_NEW)).rowcount
    await session.execute(text("TRUNCATE bars_staging"))
    return Merged(inserted, updated)


async def _copy(session: Session, table: str, rows: pl.DataFrame, source: str) -> None:
    raw = (await session.get_raw_connection()).driver_connection
    assert raw is not None
    body = io.BytesIO()
    rows.with_columns(source=pl.lit(source)).write_csv(body, include_header=False)
    body.seek(0)
    await raw.copy_to_table(table, source=body, format="csv", columns=COLUMNS, timeout=COPY_TIMEOUT_SECONDS)


async def find_series(session: Session, symbols: Sequence[str], first: date, last: date) -> str:
    """Columns of adjusted numbers by symbol, as a JSON object; days on which a symbol was halted are left out."""
    found = await session.execute(SERIES, {"symbols": list(symbols), "first": first, "last": last})
    return str(found.scalar_one())


async def find_day(session: Session, symbols: Sequence[str], day: date) -> dict[str, tuple[Bar, Decimal | None]]:
    """The bars of one day, each with the close before it."""
    found = await session.execute(DAY, {"symbols": list(symbols), "day": day})
    return {
        row.symbol: (Bar(row.day, row.open, row.high, row.low, row.close, row.volume, row.halted), row.previous_close)
        for row in found
    }
