"""Watchlists: symbols somebody wants to see together."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.ids import new_id
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict, Field

from market.api.types import Symbol, after_id
from market.domain.screen import OwnerId
from market.errors import TooMany, WatchlistNotFound
from market.store import watchlists

WATCHLISTS_PER_USER_MAX = 50
SYMBOLS_MAX = 200
NAME_LENGTH_MAX = 100

router = APIRouter(prefix="/api/v1/market/watchlists", tags=["market"])


class Watchlist(BaseModel):
    """What to keep; the symbols stay in the order given."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
    symbols: Annotated[list[Symbol], Field(max_length=SYMBOLS_MAX)]


class NewWatchlist(Watchlist):
    """A list to keep. With an `id` of your own, sending it again changes that list."""

    id: UUID | None = None


class WatchlistView(BaseModel):
    """A kept list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    symbols: list[str]
    created_at: datetime


@router.post("", status_code=201, responses={**AUTHENTICATED, **responses(TooMany)})
async def save_watchlist(user: CurrentUser, session: OwnedSession, body: NewWatchlist) -> WatchlistView:
    """Keep a list."""
    owner, list_id = OwnerId(user.user_id), body.id or new_id()
    if await watchlists.lock_count(session, owner, list_id) >= WATCHLISTS_PER_USER_MAX:
        raise TooMany(f"You keep {WATCHLISTS_PER_USER_MAX} lists, as many as you may: delete one first.")
    symbols = list(dict.fromkeys(body.symbols))
    return WatchlistView.model_validate(await watchlists.save(session, owner, list_id, body.name, symbols, now()))


@router.get("", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_watchlists(user: CurrentUser, session: OwnedSession, page: PageRequest) -> Page[WatchlistView]:
    """List your lists, the newest first."""
    found = await watchlists.list_newest(session, OwnerId(user.user_id), page.limit + 1, after_id(page))
    items = [WatchlistView.model_validate(row) for row in found[: page.limit]]
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].id)) if len(found) > page.limit else None)


@router.get("/{list_id}", responses={**AUTHENTICATED, **responses(WatchlistNotFound)})
async def read_watchlist(user: CurrentUser, session: OwnedSession, list_id: UUID) -> WatchlistView:
    """Show one of your lists."""
    found = await watchlists.find(session, OwnerId(user.user_id), list_id)
    if found is None:
        raise WatchlistNotFound("You keep no watchlist with this id.")
    return WatchlistView.model_validate(found)


@router.put("/{list_id}", responses={**AUTHENTICATED, **responses(WatchlistNotFound)})
async def change_watchlist(user: CurrentUser, session: OwnedSession, list_id: UUID, body: Watchlist) -> WatchlistView:
    """Give one of your lists another name and other symbols."""
    owner = OwnerId(user.user_id)
    if await watchlists.find(session, owner, list_id) is None:
        raise WatchlistNotFound("You keep no watchlist with this id.")
    symbols = list(dict.fromkeys(body.symbols))
    return WatchlistView.model_validate(await watchlists.save(session, owner, list_id, body.name, symbols, now()))


@router.delete("/{list_id}", status_code=204, responses={**AUTHENTICATED, **responses(WatchlistNotFound)})
async def delete_watchlist(user: CurrentUser, session: OwnedSession, list_id: UUID) -> Response:
    """Delete one of your lists."""
    if not await watchlists.delete_one(session, OwnerId(user.user_id), list_id):
        raise WatchlistNotFound("You keep no watchlist with this id.")
    return Response(status_code=204)
