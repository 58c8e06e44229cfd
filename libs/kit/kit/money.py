"""Decimal numbers as they cross a boundary: strings in JSON, never floats, never exponents."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

DIGITS_MAX = 20
DECIMAL_PLACES_MAX = 8
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
NOT_A_NUMBER = 'must be a decimal number in a string, such as "70100"'


def decimal_text(value: Decimal) -> str:
    """Write a decimal plainly: no exponent, no trailing zeros, and no minus in front of zero."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def decimal_from(value: Any) -> Decimal:
    """Read a decimal from a plain string, an int or a Decimal.

    Raises:
        ValueError: for floats (they have lost digits already), NaN, infinities, exponents, and what is no number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(NOT_A_NUMBER)  # noqa: TRY004 - bad input must reach the client as a field error
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        raise ValueError(NOT_A_NUMBER)
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("must be a finite number")
    return number


Money = Annotated[
    Decimal,
    BeforeValidator(decimal_from),
    Field(max_digits=DIGITS_MAX, decimal_places=DECIMAL_PLACES_MAX),
    PlainSerializer(decimal_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]{1,20}(\.[0-9]{1,8})?$", "examples": ["70100"]}),
]
