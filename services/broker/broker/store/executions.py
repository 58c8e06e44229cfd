"""Executions as an owner reads them; they are written together with their attempt (store/attempts.py)."""

from collections.abc import Sequence
from typing import Any

from kit.db import Session
from sqlalchemy import Row, bindparam, select

from broker.domain.order import OwnerId
from broker.store.tables import broker_executions

POSITION_MAX = 2**63 - 1

_LIST = (
    select(broker_executions)
    .where(broker_executions.c.owner_id == bindparam("owner"), broker_executions.c.position < bindparam("before"))
    .order_by(broker_executions.c.position.desc())
    .limit(bindparam("limit"))
)


async def list_page(session: Session, owner: OwnerId, before: int, limit: int) -> Sequence[Row[Any]]:
    """An owner's executions, newest first, from a position downwards."""
    return (await session.execute(_LIST, {"owner": owner, "before": before, "limit": limit})).all()
