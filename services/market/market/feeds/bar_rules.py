"""Which rows of an import can be stored: every row is good, or is reported with its place and the reason.

Judged are single rows, never their history: a bar may lie off the tick grid (midpoint trades, adjusted history), and an
adjusted close may lie a won outside of high and low. Only what cannot be a price is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from quant.markets.listing import Market
from quant.markets.symbols import normalise

from market.feeds.bar_files import (
    AS_READ,
    DECIMAL_PLACES,
    REQUIRED,
    SURPLUS,
    SYMBOL,
    BarFile,
    UnreadableFile,
    read_bar_file,
)

ROWS_MAX = 2_000_000
SYMBOLS_MAX = 5_000
BAD_ROWS_LISTED_MAX = 100
DAY_FIRST = date(1950, 1, 1)
VALUE_LENGTH_SHOWN = 40
FILE_NAME_LENGTH_SHOWN = 100

PRICE_MAX = 10**12
VOLUME_MAX = 10**15

PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume")
STORED = (SYMBOL, "day", *NUMBERS, "halted")
EXACT = pl.Decimal(38, DECIMAL_PLACES)

Problem = tuple[str, pl.Expr, pl.Expr]
"""A stable word, the rows it is true of, and what to tell about such a row."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be stored: where it stands, a stable word for the mistake, and the reason in full."""

    file: str
    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class BarSheet:
    """What an upload holds: the good rows, ready to be stored and sorted by symbol and day, and the bad ones."""

    rows: pl.DataFrame
    bad: tuple[BadRow, ...]
    bad_count: int


def read_bars(files: Sequence[BarFile], market: Market, today: date) -> BarSheet:
    """Read and judge files.

    Args:
        files: the upload; a file that cannot be read at all counts as one bad row.
        market: where the symbols must belong.
        today: the date at the market; later days are refused.
    """
    frames: list[pl.DataFrame] = []
    bad: list[BadRow] = []
    room = ROWS_MAX
    for file in files:
        try:
            frame = read_bar_file(file, room)
        except UnreadableFile as unreadable:
            name = file.name[-FILE_NAME_LENGTH_SHOWN:]
            bad.append(BadRow(name, unreadable.line, "unreadable_file", unreadable.reason))
            continue
        frames.append(frame)
        room -= frame.height
    read = pl.concat(frames) if frames else pl.DataFrame(schema=AS_READ)
    return judge_rows(read, market, today, bad)


def judge_rows(read: pl.DataFrame, market: Market, today: date, unread: Sequence[BadRow] = ()) -> BarSheet:
    """Judge rows that have been read into the columns of AS_READ.

    Args:
        read: everything as text, with the file and line of each row.
        market: where the symbols must belong.
        today: the date at the market; later days are refused.
        unread: what could not even be read; it leads the list of what is bad.
    """
    bad = list(unread)
    read = read.with_columns(pl.col(SYMBOL, *REQUIRED).str.strip_chars())
    judged = _judged(_with_values(read, market), market, today)
    refused = judged.filter(pl.col("code").is_not_null())
    listed = refused.head(BAD_ROWS_LISTED_MAX).select("file", "line", "code", "reason")
    bad += [BadRow(file[-FILE_NAME_LENGTH_SHOWN:], *rest) for file, *rest in listed.iter_rows()]
    good = judged.filter(pl.col("code").is_null()) if refused.height else judged
    return BarSheet(
        rows=good.select(SYMBOL, "day", *_plain_numbers(good), "halted").sort(SYMBOL, "day"),
        bad=tuple(bad[:BAD_ROWS_LISTED_MAX]),
        bad_count=refused.height + len(unread),
    )


def _with_values(read: pl.DataFrame, market: Market) -> pl.DataFrame:
    """Put values beside the texts: `symbol` is the code, `day` a date, `open value` and its like exact numbers."""
    spellings = read[SYMBOL].unique()
    codes = pl.DataFrame(
        {"spelling": spellings, SYMBOL: [_code(spelling, market) for spelling in spellings]},
        schema={"spelling": pl.String, SYMBOL: pl.String},
    )
    zero = pl.all_horizontal(pl.col("open value", "high value", "low value") == 0)
    return (
        read.rename({SYMBOL: "spelling"})
        .join(codes, on="spelling", how="left", maintain_order="left", nulls_equal=True)
        .with_columns(
            pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("day"),
            *(pl.col(name).cast(EXACT, strict=False).alias(f"{name} value") for name in NUMBERS),
        )
        .with_columns(zero.alias("halted"), code=pl.lit(None, pl.String), reason=pl.lit(None, pl.String))
    )


def _code(spelling: str | None, market: Market) -> str | None:
    try:
        listing = normalise(spelling or "")
    except ValueError:
        return None
    return listing.code if listing.market == market else None


def _judged(values: pl.DataFrame, market: Market, today: date) -> pl.DataFrame:
    """Fill `code` and `reason` of bad rows: the first problem found names the row."""
    for code, condition, reason in _problems(market, today):
        found = condition & pl.col("code").is_null()
        # most files have no mistake of most kinds, and asking is much cheaper than writing reasons
        if values.select(found.any()).item():
            values = values.with_columns(
                code=pl.when(found).then(pl.lit(code)).otherwise("code"),
                reason=pl.when(found).then(reason).otherwise("reason"),
            )
    return values


def _problems(market: Market, today: date) -> Iterator[Problem]:
    yield "too_many_fields", pl.col(SURPLUS).is_not_null(), pl.lit("has more fields than the header")
    yield "bad_symbol", pl.col(SYMBOL).is_null(), pl.format("{} is no symbol of " + market, _shown("spelling"))
    for name in REQUIRED:
        empty = pl.col(name).is_null() | (pl.col(name) == "")
        yield "missing_value", empty, pl.lit(f"{name} is missing")
    day = pl.col("day")
    yield "bad_date", day.is_null(), pl.format("date {} is not a day such as 2024-12-16", _shown("date"))
    yield "future_date", day > today, pl.format("date {} is in the future", day)
    yield "bad_date", day < DAY_FIRST, pl.format("date {} is before " + str(DAY_FIRST), day)
    for name in NUMBERS:
        yield from _problems_of_number(name, VOLUME_MAX if name == "volume" else PRICE_MAX)
    volume = pl.col("volume value")
    yield (
        "not_whole",
        volume != volume.cast(pl.Int64, strict=False),
        pl.format("volume {} is not a whole number", _shown("volume")),
    )
    yield "zero_price", pl.col("close value") == 0, pl.lit("close is zero")
    some_zero = pl.any_horizontal(pl.col("open value", "high value", "low value") == 0) & ~pl.col("halted")
    yield "zero_price", some_zero, pl.lit("open, high and low are zero together (a halted day) or not at all")
    inverted = pl.format("high {} is below low {}", _shown("high"), _shown("low"))
    yield "high_below_low", pl.col("high value") < pl.col("low value"), inverted
    again = ~pl.struct(SYMBOL, "day").is_first_distinct()
    yield "duplicate_day", again, pl.format("a second row for {} on {}", SYMBOL, day)


def _problems_of_number(name: str, largest: int) -> Iterator[Problem]:
    value, shown = pl.col(f"{name} value"), _shown(name)
    yield "not_a_number", value.is_null(), pl.format(name + " {} is not a number", shown)
    yield "negative", value < 0, pl.format(name + " {} is negative", shown)
    yield "too_large", value > largest, pl.format(name + " {} is larger than " + str(largest), shown)


def _shown(name: str) -> pl.Expr:
    return pl.col(name).fill_null("nothing").str.slice(0, VALUE_LENGTH_SHOWN)


def _plain_numbers(good: pl.DataFrame) -> Iterator[pl.Expr]:
    """Write numbers as short as they are: whole ones as integers, others without trailing zeros."""
    for name in NUMBERS:
        value = pl.col(f"{name} value")
        if good.select((value == value.cast(pl.Int64)).all()).item():
            yield value.cast(pl.Int64).alias(name)
        else:
            yield value.cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".").alias(name)
