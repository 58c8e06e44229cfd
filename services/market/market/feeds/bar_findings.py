"""What is peculiar about good rows: stored all the same, and told, so that nobody is surprised by them later.

Each finding is counted, with the symbols it concerns and its first examples. Judged are histories, not single rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl
from quant.markets.calendar import sessions_between
from quant.markets.listing import Board, Kind, market_of
from quant.markets.symbols import INDICES
from quant.markets.ticks import ETF_REFORM, STOCK_REFORM, tick_size

EXAMPLES_MAX = 5
PRICES = ("open", "high", "low", "close")
LIMIT = 0.31
"""A day's change beyond this was not made by trading: KRX allows 30 % since 2015, and less before."""

HUNDREDFOLD = (90.0, 110.0)
QUIET_SHARE = 0.6
"""On a day captured before its end most symbols show less volume than the day before and than usual."""

QUIET_SYMBOLS_MIN = 100
USUAL_DAYS = 20
STEPS = (0, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
CALENDAR_FIRST = date(1999, 1, 1)

NOTES = {
    "halted_day": "no trading: close repeated, open, high and low are zero; left out of computations",
    "untraded_day": "no volume, and prices all the same: nobody traded, or the source filled a halted day in",
    "off_grid": "a price between the lines of the tick grid: adjusted history, or a midpoint trade",
    "order_of_prices": "open or close outside of high and low by rounding: adjusted history",
    "hundredfold": "about a hundred times the price of the day before, or a hundredth: a wrong unit",
    "jump": "more than a day's limit from one close to the next: a split, rights issue or listing without adjustment",
    "no_session": "a bar on a day the exchange was closed by our calendar",
    "missing_session": "sessions between a symbol's first and last bar without a bar of it",
    "unfinished_day": "the session of this day had not ended when the file was imported",
    "mid_session_capture": "most symbols show less volume than usual and than the day before: captured mid-session?",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of peculiarity: how many rows and symbols, and the first few."""

    code: str
    note: str
    rows: int
    symbols: int
    examples: tuple[str, ...]


def findings_in(rows: pl.DataFrame, board: Board, kind: Kind, unfinished: date | None) -> list[Finding]:
    """Look through good rows, sorted by symbol and day, as `bar_rules.read_bars` returns them.

    Args:
        rows: the rows of one board and kind.
        board: decides calendar and tick grid.
        kind: decides the tick grid.
        unfinished: the day whose session has not ended yet, if there is one.
    """
    values = rows.with_columns(pl.col(*PRICES, "volume").cast(pl.Float64))
    return [_finding(code, found) for code, found in _looks(values, board, kind, unfinished) if not found.is_empty()]


def _looks(
    values: pl.DataFrame, board: Board, kind: Kind, unfinished: date | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    traded = values.filter(~pl.col("halted"))
    yield "halted_day", values.filter(pl.col("halted"))
    same = (pl.col("open") == pl.col("close")) & (pl.col("high") == pl.col("low"))
    yield "untraded_day", traded.filter((pl.col("volume") == 0) & same)
    if market_of(board) == "KRX":
        yield "off_grid", traded.filter(~pl.col("symbol").is_in(INDICES) & _off_grid(board, kind))
    outside = [(pl.col(name) > pl.col("high")) | (pl.col(name) < pl.col("low")) for name in ("open", "close")]
    yield "order_of_prices", traded.filter(pl.any_horizontal(outside))
    change = traded.with_columns(before=pl.col("close").shift(1).over("symbol")).with_columns(
        ratio=pl.col("close") / pl.col("before")
    )
    least, most = HUNDREDFOLD
    wrong = pl.col("ratio").is_between(least, most) | (1 / pl.col("ratio")).is_between(least, most)
    yield "hundredfold", change.filter(wrong)
    yield "jump", change.filter(((pl.col("ratio") - 1).abs() > LIMIT) & ~wrong)
    yield from _calendar(values, board)
    if unfinished is not None:
        yield "unfinished_day", values.filter(pl.col("day") == unfinished)
    yield "mid_session_capture", _quiet_end(traded)


def _off_grid(board: Board, kind: Kind) -> pl.Expr:
    reform = ETF_REFORM if kind == "etf" else STOCK_REFORM
    before = date.fromordinal(reform.toordinal() - 1)

    def off(name: str) -> pl.Expr:
        price = pl.col(name)
        new, old = (_tick(price, board, kind, on) for on in (reform, before))
        return price % pl.when(pl.col("day") >= reform).then(new).otherwise(old) != 0

    return pl.any_horizontal([off(name) for name in PRICES])


def _tick(price: pl.Expr, board: Board, kind: Kind, on: date) -> pl.Expr:
    ticks = [int(tick_size(Decimal(max(step, 1)), board, kind, on)) for step in STEPS]
    chosen = pl.lit(ticks[0])
    for step, tick in zip(STEPS[1:], ticks[1:], strict=True):
        chosen = pl.when(price >= step).then(pl.lit(tick)).otherwise(chosen)
    return chosen


def _calendar(values: pl.DataFrame, board: Board) -> Iterator[tuple[str, pl.DataFrame]]:
    known = values.filter(pl.col("day") >= CALENDAR_FIRST)
    if known.is_empty():
        return
    first, last = known["day"].min(), known["day"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    sessions = pl.DataFrame({"day": sessions_between(market_of(board), first, last)}, schema={"day": pl.Date})
    yield "no_session", known.join(sessions, on="day", how="anti", maintain_order="left")
    numbered = sessions.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    gaps = (
        known.join(numbered, on="day", how="inner", maintain_order="left")
        .with_columns(gap=pl.col("place").diff().over("symbol") - 1)
        .filter(pl.col("gap") > 0)
    )
    yield "missing_session", gaps


def _quiet_end(traded: pl.DataFrame) -> pl.DataFrame:
    """The rows of the newest day when it looks as if it had been captured before its end."""
    last = traded["day"].max()
    judged = traded.with_columns(
        before=pl.col("volume").shift(1).over("symbol"),
        usual=pl.col("volume").shift(1).rolling_median(USUAL_DAYS).over("symbol"),
    ).filter(pl.col("day").eq_missing(last) & pl.col("usual").is_not_null())
    quiet = judged.select(((pl.col("volume") < pl.col("before")) & (pl.col("volume") < pl.col("usual"))).mean()).item()
    return judged if judged.height >= QUIET_SYMBOLS_MIN and quiet >= QUIET_SHARE else judged.clear()


def _finding(code: str, found: pl.DataFrame) -> Finding:
    first = found.head(EXAMPLES_MAX).select("symbol", "day").iter_rows()
    return Finding(
        code=code,
        note=NOTES[code],
        rows=int(found["gap"].sum()) if "gap" in found.columns else found.height,
        symbols=found["symbol"].n_unique(),
        examples=tuple(f"{symbol} {day}" for symbol, day in first),
    )
