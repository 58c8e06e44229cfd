"""A whole market as columns, read by one COPY; and the revision that tells when a copy of it has aged."""

import io
from collections.abc import Mapping
from datetime import date

import polars as pl
from kit.db import Session
from quant.markets.symbols import INDICES
from sqlalchemy import text

from market.domain.figures import STATEMENTS, VALUATIONS
from market.domain.screen import RATIOS

SHARED = "prices are the same for every user"

COPY_TIMEOUT_SECONDS = 60
NUMBERS = ("open", "high", "low", "close", "volume")

# an index can be neither bought nor sold: a screen or a universe never holds one
FOR_SALE = f"b.symbol NOT IN ({', '.join(repr(name) for name in sorted(INDICES))})"
ROWS = f"""
    SELECT b.symbol, b.day, b.open * f.price, b.high * f.price, b.low * f.price, b.close * f.price, b.volume * f.volume
      FROM bars b JOIN instruments i ON i.symbol = b.symbol
      LEFT JOIN adjustments a ON a.symbol = b.symbol AND b.day BETWEEN a.first_day AND a.last_day
     CROSS JOIN LATERAL (
           SELECT coalesce(a.price_factor, 1) AS price, coalesce(a.volume_factor, 1) AS volume) f
     WHERE i.market = $1 AND b.day BETWEEN $2 AND $3 AND NOT b.halted AND {FOR_SALE}
     ORDER BY b.symbol, b.day
"""  # noqa: S608 - the names are our own
KNOWN = ", ".join(f"f.{name}" for name in RATIOS)
FUNDAMENTALS = (
    f"SELECT f.symbol, f.known_since, {KNOWN} "  # noqa: S608 - the names are our own
    "FROM fundamentals f JOIN instruments i ON i.symbol = f.symbol "
    "WHERE i.market = $1 AND f.known_since <= $2 ORDER BY f.symbol, f.known_since"
)
LISTED = "SELECT symbol, board, kind, delisted_on FROM instruments WHERE market = $1 ORDER BY symbol"
RAISE = text(
    "INSERT INTO revisions VALUES (:market, 1) ON CONFLICT (market) DO UPDATE SET revision = revisions.revision + 1"
)
NEWEST = text("SELECT max(last_day) FROM instruments WHERE market = :market")
NEWEST_BEFORE = text(
    "SELECT max(day) FROM bars JOIN instruments i USING (symbol)"
    " WHERE i.market = :market AND day BETWEEN :first AND :day"
)


async def save_revision(session: Session, market: str) -> None:
    """Tell that bars or fundamentals of a market have changed."""
    await session.execute(RAISE, {"market": market})


async def find_revision(session: Session, market: str) -> int:
    """How often this market has changed; 0 before there was anything."""
    found = await session.execute(text("SELECT revision FROM revisions WHERE market = :market"), {"market": market})
    return int(found.scalar() or 0)


async def find_newest_day(session: Session, market: str, day: date, first: date) -> date | None:
    """The newest day with bars of this market up to `day`; when there are later ones, not before `first` either."""
    newest: date | None = await session.scalar(NEWEST, {"market": market})
    if newest is not None and newest > day:
        newest = await session.scalar(NEWEST_BEFORE, {"market": market, "day": day, "first": first})
    return newest


async def find_rows(session: Session, market: str, first: date, last: date) -> pl.DataFrame:
    """All adjusted bars of traded days, sorted by symbol and day, with the fundamentals known on each."""
    schema = {"symbol": pl.String, "day": pl.Date} | dict.fromkeys(NUMBERS, pl.Float64)
    rows = await _copied(session, ROWS, (market, first, last), schema)
    schema = {"symbol": pl.String, "known_since": pl.Date} | dict.fromkeys(RATIOS, pl.Float64)
    known = await _copied(session, FUNDAMENTALS, (market, last), schema)
    if known.is_empty():
        return rows
    known = known.rename({"known_since": "day"})
    reported = pl.any_horizontal(pl.col(*STATEMENTS).is_not_null())
    valued = pl.any_horizontal(pl.col(*VALUATIONS).is_not_null()) | ~reported
    # a day's valuation says nothing about the last report, nor a report about the day's valuation
    for told, names in ((valued, VALUATIONS), (reported, STATEMENTS)):
        newest = known.filter(told).select("symbol", "day", *names)
        rows = rows.join_asof(newest, on="day", by="symbol", strategy="backward", check_sortedness=False)
    return rows


async def find_listed(session: Session, market: str) -> pl.DataFrame:
    """Where each instrument of a market is listed, and until when, those that have left it included."""
    schema = {"symbol": pl.String, "board": pl.Categorical, "kind": pl.Categorical, "delisted_on": pl.Date}
    return await _copied(session, LISTED, (market,), schema)


async def _copied(
    session: Session, query: str, values: tuple[object, ...], schema: Mapping[str, pl.datatypes.DataTypeClass]
) -> pl.DataFrame:
    raw = (await session.get_raw_connection()).driver_connection
    assert raw is not None
    body = io.BytesIO()
    await raw.copy_from_query(query, *values, output=body, format="csv", timeout=COPY_TIMEOUT_SECONDS)
    if not body.tell():
        return pl.DataFrame(schema=schema)
    body.seek(0)
    return pl.read_csv(body, has_header=False, schema=schema)
