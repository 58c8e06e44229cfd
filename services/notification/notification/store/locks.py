"""Who is locked: whose account the operator has closed."""

from kit.db import Session
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from notification.domain.owner import OwnerId
from notification.store.tables import locks


async def save(session: Session, owner: OwnerId, *, locked: bool) -> None:
    """Remember that an account is closed, or open again."""
    if locked:
        await session.execute(insert(locks).values(owner_id=owner).on_conflict_do_nothing())
    else:
        await session.execute(delete(locks).where(locks.c.owner_id == owner))


async def find(session: Session, owner: OwnerId) -> bool:
    """Tell whether an account is closed."""
    return await session.scalar(select(locks.c.owner_id).where(locks.c.owner_id == owner)) is not None
