"""Forget somebody who has left."""

from uuid import UUID

from kit.belongings import delete_facts, delete_rows, find_unsent
from kit.db import Session
from kit.events import record

from backtest.events import OwnerErased
from backtest.store.belongings import ERASED


async def erase_owner(session: Session, owner: UUID) -> bool:
    """Tell whether it is done: not while facts of theirs wait to be published, for those would stay behind."""
    if await find_unsent(session, owner):
        return False
    await delete_rows(session, owner, ERASED)
    await delete_facts(session, owner)
    await record(session, OwnerErased(user_id=owner), owner=owner)
    return True
