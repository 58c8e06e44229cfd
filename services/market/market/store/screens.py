"""Saved screens: plain rows of their owners."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from kit.db import Session
from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from market.domain.screen import OwnerId, Screen, ScreenId, Universe
from market.store.tables import screens

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('screens:' || :owner, 0))")


async def lock_count(session: Session, owner: OwnerId, other_than: ScreenId) -> int:
    """Count the owner's other screens; until the commit nobody adds one."""
    await session.execute(LOCK, {"owner": str(owner)})
    mine = select(func.count()).where(screens.c.owner_id == owner, screens.c.id != other_than)
    return int(await session.scalar(mine) or 0)


async def save(session: Session, owner: OwnerId, screen: Screen) -> None:
    """Keep a screen; one with the same id takes the new name, rule and universe."""
    values = asdict(screen) | {"owner_id": owner}
    changing = {name: values[name] for name in ("name", "rule", "universe", "scheduled")}
    statement = insert(screens).values(values)
    await session.execute(statement.on_conflict_do_update(index_elements=["owner_id", "id"], set_=changing))


async def find(session: Session, owner: OwnerId, screen_id: ScreenId) -> Screen | None:
    """Find one screen of the owner."""
    row = (await session.execute(select(screens).where(screens.c.owner_id == owner, screens.c.id == screen_id))).first()
    return None if row is None else screen_of(row)


async def list_newest(session: Session, owner: OwnerId, limit: int, before: UUID | None) -> list[Screen]:
    """List the newest first; ids are made in time's order."""
    statement = select(screens).where(screens.c.owner_id == owner)
    if before is not None:
        statement = statement.where(screens.c.id < before)
    return [screen_of(row) for row in await session.execute(statement.order_by(screens.c.id.desc()).limit(limit))]


async def delete_one(session: Session, owner: OwnerId, screen_id: ScreenId) -> bool:
    """Delete a screen; False when the owner has no such one."""
    statement = delete(screens).where(screens.c.owner_id == owner, screens.c.id == screen_id)
    return (await session.execute(statement)).rowcount == 1


def screen_of(row: Row[Any]) -> Screen:
    """A row as a screen."""
    wanted = row.universe
    lists = {name: tuple(wanted[name]) for name in ("boards", "kinds", "symbols")}
    return Screen(
        ScreenId(row.id), row.name, row.rule, Universe(wanted["market"], **lists), row.created_at, row.scheduled
    )
