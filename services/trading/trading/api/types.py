"""The words of a request: bounded, with examples."""

from decimal import Decimal
from typing import Annotated

from fastapi import Depends, Request
from kit.money import DECIMAL_PLACES_MAX, decimal_from, decimal_text
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from quant.markets.symbols import SYMBOL_TEXT_MAX, normalise

from trading.resources import Resources
from trading.usecases.deposit import CASH_MAX

QUANTITY_MAX = 1_000_000_000
PRICE_MAX = 1_000_000_000
CLIENT_ORDER_ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"


def _code(text: str) -> str:
    return normalise(text).code


def _positive_schema(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,8})?$", "examples": [example]})


Quantity = Annotated[
    Decimal,
    BeforeValidator(decimal_from),
    Field(gt=0, le=QUANTITY_MAX, decimal_places=DECIMAL_PLACES_MAX),
    PlainSerializer(decimal_text, return_type=str),
    _positive_schema("10"),
]
Price = Annotated[
    Decimal,
    BeforeValidator(decimal_from),
    Field(gt=0, le=PRICE_MAX, decimal_places=DECIMAL_PLACES_MAX),
    PlainSerializer(decimal_text, return_type=str),
    _positive_schema("56100"),
]
Amount = Annotated[
    Decimal,
    BeforeValidator(decimal_from),
    Field(gt=0, le=CASH_MAX, decimal_places=DECIMAL_PLACES_MAX),
    PlainSerializer(decimal_text, return_type=str),
    _positive_schema("10000000"),
]
Sum = Annotated[
    Decimal,
    PlainSerializer(decimal_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["10523000"]}),
]
"""An amount that we have added up ourselves: written like Money, without its bound."""
SymbolCode = Annotated[
    str, Field(min_length=1, max_length=SYMBOL_TEXT_MAX, examples=["005930", "AAPL"]), AfterValidator(_code)
]
ClientOrderId = Annotated[str, Field(pattern=CLIENT_ORDER_ID_PATTERN, examples=["my-1"])]


async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


OpenResources = Annotated[Resources, Depends(_resources)]
"""What the service holds open, for routes that do more than one transaction."""
