"""Forget somebody who has left."""

from uuid import UUID

from kit.db import Session
from kit.events import record

from backtest.events import OwnerErased
from backtest.store import belongings


async def erase_owner(session: Session, owner: UUID) -> bool:
    """Tell whether it is done: not while facts of theirs wait to be published, for those would stay behind."""
    if await belongings.find_unsent(session, owner):
        return False
    await belongings.delete_all(session, owner)
    await record(session, OwnerErased(user_id=owner), owner=owner)
    return True
