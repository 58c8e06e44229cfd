"""Who may look at an owner's accounts; both sides are written by store/system.py."""

from datetime import datetime
from uuid import UUID

from kit.db import Session as Transaction
from sqlalchemy import select

from auth.domain.user import UserId
from auth.store.tables import delegations

LISTED_MAX = 100


async def list_lent(session: Transaction, owner: UserId) -> list[tuple[UUID, str, datetime]]:
    """List id, address and beginning of what the owner has lent."""
    columns = (delegations.c.id, delegations.c.email, delegations.c.created_at)
    statement = select(*columns).where(delegations.c.owner_id == owner).order_by(delegations.c.id).limit(LISTED_MAX)
    return [(row.id, row.email, row.created_at) for row in await session.execute(statement)]
