"""What notification reads over HTTP, bounded."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from kit.money import Money
from kit.pagination import BadCursor, PageQuery, decode_cursor
from pydantic import AfterValidator, Field
from quant.markets.symbols import SYMBOL_TEXT_MAX, normalise

FIGURE_MAX = Decimal(1_000_000_000)
IDS_MAX = 500


def _code(text: str) -> str:
    return normalise(text).code


Symbol = Annotated[
    str, Field(min_length=1, max_length=SYMBOL_TEXT_MAX, examples=["005930", "AAPL"]), AfterValidator(_code)
]
Figure = Annotated[Money, Field(gt=-100, le=FIGURE_MAX)]
Ids = Annotated[list[UUID], Field(min_length=1, max_length=IDS_MAX)]


def after_id(page: PageQuery) -> UUID | None:
    """Read the id a list goes on after."""
    if page.cursor is None:
        return None
    (text,) = decode_cursor(page.cursor, (str,))
    try:
        return UUID(str(text))
    except ValueError:
        raise BadCursor("Pass the `next_cursor` of the page before, unchanged.") from None
