"""Rows as data frames, and these as files. Loaded when somebody asks for a file: polars takes 20 MB."""

import io
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import polars as pl
from kit.money import decimal_text

from trading.store.exports import Rows

MONEY: Final = pl.Decimal(38, 8)
FORMULA: Final = r"^[=+@\-\t\r]"


def as_csv(table: Rows) -> bytes:
    """Money without trailing zeros, and no text that a spreadsheet would run as a formula."""
    target = io.BytesIO()
    _plain(_frame(table)).write_csv(target)
    return target.getvalue()


def as_parquet(table: Rows) -> bytes:
    """Money as decimals."""
    target = io.BytesIO()
    _frame(table).write_parquet(target)
    return target.getvalue()


def _frame(table: Rows) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [_cell(row[name]) for row in table.rows] for name in table.columns},
        schema={name: _kind(kind) for name, kind in table.columns.items()},
    )


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
