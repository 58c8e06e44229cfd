"""Stocks: what is traded, by code and by name."""

from typing import Annotated

from fastapi import APIRouter, Query
from kit.auth import CurrentUser
from kit.db import PublicSession
from kit.errors import AUTHENTICATED, responses
from kit.pagination import BadCursor, Page, PageRequest, decode_cursor, encode_cursor
from quant.markets.listing import Market
from quant.markets.symbols import normalise

from market.api.types import Stock, SymbolPath
from market.errors import StockNotFound
from market.store import instruments

QUERY_LENGTH_MAX = 100

router = APIRouter(prefix="/api/v1/market", tags=["market"])


@router.get("/stocks", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_stocks(
    _user: CurrentUser,
    session: PublicSession,
    page: PageRequest,
    query: Annotated[
        str,
        Query(
            max_length=QUERY_LENGTH_MAX,
            description="A code's beginning, part of a name, initial consonants (ㅅㅅㅈㅈ) or an ISIN",
        ),
    ] = "",
    market: Annotated[Market | None, Query()] = None,
    sector: Annotated[str | None, Query(max_length=QUERY_LENGTH_MAX, examples=["전기전자"])] = None,
) -> Page[Stock]:
    """List the stocks whose bars we hold, by code."""
    after = str(decode_cursor(page.cursor, (str,))[0]) if page.cursor else ""
    wanted = instruments.Wanted(query=_code_or_text(query), market=market, sector=sector)
    found = await instruments.list_matching(session, wanted, after, page.limit + 1)
    items = [Stock.model_validate(instrument) for instrument in found[: page.limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].symbol) if len(found) > page.limit else None)


@router.get("/stocks/{symbol}", responses={**AUTHENTICATED, **responses(StockNotFound)})
async def read_stock(_user: CurrentUser, session: PublicSession, symbol: SymbolPath) -> Stock:
    """Show one stock."""
    instrument = await instruments.find(session, symbol)
    if instrument is None:
        raise StockNotFound(f"No bars of {symbol} were ever imported.")
    return Stock.model_validate(instrument)


def _code_or_text(query: str) -> str:
    """Understand `005930.KS` and `KRX:005930` as the code; leave everything else as it was typed."""
    text = query.strip()
    try:
        return normalise(text).code if any(mark in text for mark in ".:") else text
    except ValueError:
        return text
