"""Rows as a file: CSV for people, Parquet for programs. Money is exact in both."""

from collections.abc import Mapping
from typing import Final, Literal

from trading.store.exports import Rows

TableFormat = Literal["csv", "parquet"]
FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "csv": ("text/csv", "utf-8"),
    "parquet": ("application/vnd.apache.parquet", "binary"),
}


def file_of(table: Rows, file_format: TableFormat) -> tuple[str, bytes]:
    """Write rows; return the media type and the bytes."""
    from trading.api import frames  # noqa: PLC0415 - what it loads is only needed for files

    write = frames.as_csv if file_format == "csv" else frames.as_parquet
    return FORMATS[file_format][0], write(table)
