"""Rows and domain values have the same field names; this turns one into the other."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from sqlalchemy import Column, Table


def columns_of(table: Table, kind: type[Any]) -> list[Column[Any]]:
    """The columns a value is made of."""
    return [table.c[field.name] for field in fields(kind)]


def values_of(value: Any, names: Iterable[str]) -> dict[str, Any]:
    """A value's fields as a row's columns."""
    return {name: getattr(value, name) for name in names}
