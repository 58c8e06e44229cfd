"""JSON in and out: orjson, with decimals written as strings."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from kit.money import decimal_text

Fragment = orjson.Fragment
"""JSON text that is part of a larger document as it is."""


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, UUID):
        return str(value)  # a driver's own kind of UUID, which orjson does not know
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    """Write JSON as bytes."""
    return orjson.dumps(value, default=_default)


def dumps_text(value: Any) -> str:
    """Write JSON as text, for columns and WebSocket frames."""
    return dumps(value).decode()


def loads(data: bytes | str) -> Any:
    """Read JSON.

    Raises:
        ValueError: when it is not JSON (orjson.JSONDecodeError is one).
    """
    return orjson.loads(data)
