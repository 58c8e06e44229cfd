"""Quotes and order books: the latest of a symbol, while a session runs and after it."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from kit.auth import CurrentUser
from kit.errors import AUTHENTICATED, Unavailable, responses
from kit.pagination import Page
from redis.exceptions import RedisError

from market.api.types import BookMessage, QuoteMessage, SymbolList, SymbolPath
from market.errors import BadSymbols, BookNotFound, QuoteNotFound
from market.store import quotes
from market.store.quotes import Channel

router = APIRouter(prefix="/api/v1/market", tags=["market"])


@router.get("/quotes", responses={**AUTHENTICATED, **responses(BadSymbols)})
async def list_quotes(_user: CurrentUser, request: Request, symbols: SymbolList) -> Page[QuoteMessage]:
    """Show the latest quotes of up to 100 symbols, in the order asked; those never quoted are left out."""
    texts = await _latest(request, symbols)
    return Page(items=[QuoteMessage.model_validate_json(text) for text in texts if text], next_cursor=None)


@router.get("/quotes/{symbol}", responses={**AUTHENTICATED, **responses(QuoteNotFound)})
async def read_quote(_user: CurrentUser, request: Request, symbol: SymbolPath) -> QuoteMessage:
    """Show the latest quote of a symbol."""
    text = (await _latest(request, (symbol,)))[0]
    if text is None:
        raise QuoteNotFound(f"{symbol} has no quote: no session of it has run yet.")
    return QuoteMessage.model_validate_json(text)


@router.get("/orderbook/{symbol}", responses={**AUTHENTICATED, **responses(BookNotFound)})
async def read_order_book(_user: CurrentUser, request: Request, symbol: SymbolPath) -> BookMessage:
    """Show the latest order book of a symbol: as many levels as its source has, which may be one."""
    text = (await _latest(request, (symbol,), "orderbook"))[0]
    if text is None:
        raise BookNotFound(f"{symbol} has no order book: no session of it has run yet, or its source shows none.")
    return BookMessage.model_validate_json(text)


async def _latest(request: Request, symbols: Sequence[str], channel: Channel = "quote") -> list[str | None]:
    try:
        return await quotes.list_kept(request.app.state.resources.cache, [(channel, symbol) for symbol in symbols])
    except (RedisError, OSError) as away:
        raise Unavailable("Quotes cannot be read at the moment.") from away
