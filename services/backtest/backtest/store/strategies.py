"""Strategies and their published versions, of one owner at a time."""

from typing import Any
from uuid import UUID

from kit.db import Session
from sqlalchemy import RowMapping, func, select
from sqlalchemy.dialects.postgresql import insert

from backtest.domain import document
from backtest.domain.strategy import Content, Strategy, StrategyId, Version
from backtest.store.tables import strategies, versions

_LATEST = (
    select(func.max(versions.c.number)).where(versions.c.strategy_id == strategies.c.id).scalar_subquery()
).label("version")


async def find(session: Session, owner: UUID, strategy_id: StrategyId) -> Strategy | None:
    """Return a strategy, or None if this owner has none of that id."""
    query = select(strategies, _LATEST).where(strategies.c.owner_id == owner, strategies.c.id == strategy_id)
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else _strategy(row)


async def lock(session: Session, owner: UUID, strategy_id: StrategyId) -> Strategy | None:
    """Return a strategy and keep everybody else from changing or publishing it until the transaction ends."""
    query = select(strategies.c.id).where(strategies.c.owner_id == owner, strategies.c.id == strategy_id)
    if (await session.execute(query.with_for_update())).one_or_none() is None:
        return None
    return await find(session, owner, strategy_id)


async def list_page(session: Session, owner: UUID, before: StrategyId | None, limit: int) -> list[Strategy]:
    """Return the newest strategies, or those made before one of them."""
    query = select(strategies, _LATEST).where(strategies.c.owner_id == owner)
    if before is not None:
        query = query.where(strategies.c.id < before)
    rows = (await session.execute(query.order_by(strategies.c.id.desc()).limit(limit))).mappings()
    return [_strategy(row) for row in rows]


async def save(session: Session, owner: UUID, strategy: Strategy) -> None:
    """Write a strategy, new or changed."""
    written = {**_columns(strategy.content), "changed_at": strategy.changed_at}
    fresh = insert(strategies).values(id=strategy.id, owner_id=owner, created_at=strategy.created_at, **written)
    await session.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=written))


async def find_version(session: Session, owner: UUID, strategy_id: StrategyId, number: int) -> Version | None:
    """Return a published version."""
    query = select(versions).where(
        versions.c.owner_id == owner, versions.c.strategy_id == strategy_id, versions.c.number == number
    )
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else Version(strategy_id, row["number"], _content(row), row["published_at"])


async def save_version(session: Session, owner: UUID, version: Version) -> None:
    """Write a version, once and for all."""
    await session.execute(
        insert(versions).values(
            strategy_id=version.strategy_id,
            number=version.number,
            owner_id=owner,
            published_at=version.published_at,
            **_columns(version.content),
        )
    )


def _columns(content: Content) -> dict[str, Any]:
    return {"name": content.name, "description": content.description, "document": document.write(content.rules)}


def _content(row: RowMapping) -> Content:
    return Content(row["name"], row["description"], document.read(row["document"]))


def _strategy(row: RowMapping) -> Strategy:
    return Strategy(StrategyId(row["id"]), _content(row), row["version"], row["created_at"], row["changed_at"])
