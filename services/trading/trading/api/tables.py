"""Rows as a file: CSV for people, Parquet for programs. Money is exact in both."""

import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import polars as pl
from kit.money import decimal_text

from trading.store.exports import Rows

TableFormat = Literal["csv", "parquet"]
FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "csv": ("text/csv", "utf-8"),
    "parquet": ("application/vnd.apache.parquet", "binary"),
}
MONEY: Final = pl.Decimal(38, 8)
FORMULA: Final = r"^[=+@\-\t\r]"


def file_of(table: Rows, file_format: TableFormat) -> tuple[str, bytes]:
    """Write rows; return the media type and the bytes."""
    columns, rows = table.columns, table.rows
    frame = pl.DataFrame(
        {name: [_cell(row[name]) for row in rows] for name in columns},
        schema={name: _kind(kind) for name, kind in columns.items()},
    )
    target = io.BytesIO()
    if file_format == "csv":
        _plain(frame).write_csv(target)
    else:
        frame.write_parquet(target)
    return FORMATS[file_format][0], target.getvalue()


def _kind(kind: type[Any]) -> Any:
    return {Decimal: MONEY, str: pl.String, UUID: pl.String}.get(kind, kind)


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Money without trailing zeros, times with their zone, and no text that a spreadsheet would run as a formula."""
    return frame.with_columns(
        *(
            pl.col(name).map_elements(decimal_text, return_dtype=pl.String)
            for name, kind in frame.schema.items()
            if kind == MONEY
        ),
        *(
            pl.when(pl.col(name).str.contains(FORMULA))
            .then(pl.concat_str(pl.lit("'"), pl.col(name)))
            .otherwise(pl.col(name))
            .alias(name)
            for name, kind in frame.schema.items()
            if kind == pl.String
        ),
    )
