"""Daily bars from CSV and Parquet files: what each row says, as text, with the place where it says it.

A file holds one symbol and is named after it (`005930.csv`), or has a `symbol` column. Headers are English or Korean.
Nothing is judged here beyond what makes a file unreadable; the rows are judged by `bar_rules`.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import PurePath

import polars as pl

REQUIRED = ("date", "open", "high", "low", "close", "volume")
SYMBOL = "symbol"
KOREAN = {
    "날짜": "date",
    "일자": "date",
    "시가": "open",
    "고가": "high",
    "저가": "low",
    "종가": "close",
    "거래량": "volume",
    "종목코드": SYMBOL,
    "단축코드": SYMBOL,
}
SURPLUS = "surplus fields"
FIRST_ROW_LINE = 2
DECIMAL_PLACES = 8
HEADER_BYTES_MAX = 4_096
HEADER_FIELDS_MAX = 64
PARQUET_MAGIC = b"PAR1"
BOM = b"\xef\xbb\xbf"

AS_READ = pl.Schema(
    {"file": pl.String, "line": pl.UInt32, SYMBOL: pl.String}
    | dict.fromkeys(REQUIRED, pl.String)
    | {SURPLUS: pl.String}
)


@dataclass(frozen=True, slots=True)
class BarFile:
    """One uploaded file, whole."""

    name: str
    content: bytes


class UnreadableFile(Exception):
    """A file as a whole cannot be used: `line` is where that shows."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def read_bar_file(file: BarFile, rows_max: int) -> pl.DataFrame:
    """Read one file into the columns of AS_READ, everything as text.

    Raises:
        UnreadableFile: when it is neither CSV nor Parquet with the columns we need, or has more rows than allowed.
    """
    try:
        is_parquet = file.content.startswith(PARQUET_MAGIC)
        frame = _read_parquet(file.content, rows_max) if is_parquet else _read_csv(file.content, rows_max)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as failed:
        raise UnreadableFile(f"cannot be read as CSV (UTF-8) or Parquet: {str(failed).splitlines()[0]}") from failed
    if frame.height > rows_max:
        raise UnreadableFile(f"has more than {rows_max} rows")
    if SYMBOL not in frame.columns:
        frame = frame.with_columns(pl.lit(PurePath(file.name).stem).alias(SYMBOL))
    return frame.select(pl.lit(file.name).alias("file"), pl.exclude("file")).select(AS_READ.names()).cast(AS_READ)


def _read_csv(content: bytes, rows_max: int) -> pl.DataFrame:
    header = content[:HEADER_BYTES_MAX].removeprefix(BOM).partition(b"\n")[0].decode("utf-8").rstrip("\r")
    names = _columns(next(csv.reader([header]), []))
    if not content.partition(b"\n")[2].strip():
        raise UnreadableFile("has a header and no rows")
    frame = pl.read_csv(
        io.BytesIO(content),
        has_header=False,
        skip_rows=1,
        # one column more than the header names: a row that reaches into it has too many fields
        schema=dict.fromkeys([*names, SURPLUS], pl.String),
        missing_columns="insert",
        truncate_ragged_lines=True,
        n_rows=rows_max + 1,
    )
    wanted = [name for name in names if name in {*REQUIRED, SYMBOL}]
    numbered = frame.select(*wanted, SURPLUS).with_row_index("line", FIRST_ROW_LINE)
    blank = pl.all_horizontal(pl.col(*wanted, SURPLUS).is_null())
    return numbered.filter(~blank)


def _read_parquet(content: bytes, rows_max: int) -> pl.DataFrame:
    stored = pl.read_parquet_schema(io.BytesIO(content))
    given = dict(zip(stored, _columns(list(stored)), strict=True))
    wanted = {name: cleaned for name, cleaned in given.items() if cleaned in {*REQUIRED, SYMBOL}}
    frame = pl.read_parquet(io.BytesIO(content), columns=list(wanted), n_rows=rows_max + 1).rename(wanted)
    texts = [_as_text(name, kind) for name, kind in frame.schema.items()]
    return frame.select(texts).with_columns(pl.lit(None).alias(SURPLUS)).with_row_index("line", 1)


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind.is_temporal():
        return column.cast(pl.Date).cast(pl.String)
    if kind.is_float():
        return column.cast(pl.Decimal(38, DECIMAL_PLACES), strict=False).cast(pl.String)
    if kind.is_nested():
        raise UnreadableFile(f"the column {name} holds {kind}, not one value a row")
    return column.cast(pl.String)


def _columns(header: list[str]) -> list[str]:
    names = [KOREAN.get(name.strip(), name.strip().lower()) for name in header]
    if missing := [name for name in REQUIRED if name not in names]:
        raise UnreadableFile(f"the header lacks {', '.join(missing)}; it needs {', '.join(REQUIRED)}")
    if len(names) > HEADER_FIELDS_MAX:
        raise UnreadableFile(f"the header has more than {HEADER_FIELDS_MAX} fields")
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise UnreadableFile(f"the header names {', '.join(doubled)} twice")
    return names
