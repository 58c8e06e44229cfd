"""The few reads and writes of the worker that concern all owners at once."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Market
from sqlalchemy import select, text, update

from market.domain.screen import OwnerId, Screen
from market.store.screens import screen_of
from market.store.tables import screens

SCREENS_A_RUN_MAX = 100_000

WATCHED = text(
    """
    SELECT i.symbol FROM watchlists w CROSS JOIN LATERAL unnest(w.symbols) one (symbol)
      JOIN instruments i ON i.symbol = one.symbol
     WHERE i.market = :market GROUP BY i.symbol ORDER BY count(DISTINCT w.owner_id) DESC, i.symbol LIMIT :limit
    """
)


class Scheduled(NamedTuple):
    """Somebody's screen that runs by itself, and what it found the last time."""

    owner: OwnerId
    screen: Screen
    last_day: date | None
    last_matches: tuple[str, ...]


async def list_scheduled(session: Session, market: Market) -> list[Scheduled]:
    """Every screen of a market that runs by itself."""
    wanted = select(screens).where(screens.c.scheduled, screens.c.universe["market"].astext == market)
    found = await session.execute(wanted.order_by(screens.c.id).limit(SCREENS_A_RUN_MAX))
    return [Scheduled(OwnerId(row.owner_id), screen_of(row), row.last_day, tuple(row.last_matches)) for row in found]


async def save_matches(session: Session, owner: UUID, screen_id: UUID, day: date, matches: Sequence[str]) -> bool:
    """Remember what a screen found, so that the next run tells only what is new; False when this day was remembered."""
    one = update(screens).where(
        screens.c.owner_id == owner, screens.c.id == screen_id, screens.c.last_day.is_distinct_from(day)
    )
    return (await session.execute(one.values(last_day=day, last_matches=list(matches)))).rowcount == 1


async def list_watched(session: Session, market: Market, limit: int) -> list[str]:
    """The symbols of a market that are on anybody's watchlist, those of most people first."""
    found = await session.execute(WATCHED, {"market": market, "limit": limit})
    return [row.symbol for row in found]
