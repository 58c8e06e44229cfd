"""Forget somebody who has left."""

from uuid import UUID

from kit.db import Session
from kit.events import record

from market.events import OwnerErased
from market.store import belongings


async def erase_owner(session: Session, owner: UUID) -> None:
    """Delete what is theirs and say so, in a transaction of the worker role. Again changes nothing."""
    await belongings.delete_all(session, owner)
    await record(session, OwnerErased(user_id=owner), owner=owner)
