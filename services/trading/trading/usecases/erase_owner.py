"""Forget somebody who has left, once nothing of theirs is under way."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.events import OwnerErased
from trading.store import belongings


async def erase_owner(session: Session, owner: UUID, now: datetime) -> bool:
    """Tell whether it is done, as the worker role: not while an order is open or a fact waits to be published."""
    if await belongings.find_unfinished(session, owner):
        return False
    await belongings.delete_all(session, owner, now)
    await record(session, OwnerErased(user_id=owner), owner=owner)
    return True
