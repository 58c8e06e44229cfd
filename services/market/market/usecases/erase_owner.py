"""Forget somebody who has left."""

from uuid import UUID

from kit.belongings import delete_rows
from kit.db import Session
from kit.events import record

from market.events import OwnerErased
from market.store.belongings import ERASED


async def erase_owner(session: Session, owner: UUID) -> None:
    """Delete what is theirs and say so, in a transaction of the worker role. Again changes nothing."""
    await delete_rows(session, owner, ERASED)
    await record(session, OwnerErased(user_id=owner), owner=owner)
