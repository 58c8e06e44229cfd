"""Forget the books of somebody who left when no law wants them any more."""

from uuid import UUID

from kit.belongings import delete_facts, delete_rows
from kit.db import Session

from trading.store.belongings import OLD


async def forget_books(session: Session, owner: UUID) -> None:
    """Delete the last of what was kept, as the worker role; the database refuses books that are not old."""
    await delete_rows(session, owner, OLD)
    await delete_facts(session, owner)
