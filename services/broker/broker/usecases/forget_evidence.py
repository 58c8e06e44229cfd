"""Forget what was kept of people who left, when no law wants it any more."""

from datetime import datetime

from kit.belongings import delete_facts, delete_rows, list_old_leavers
from kit.db import Database

from broker.store.belongings import EVIDENCE_KEPT, OLD
from broker.store.tables import leavers


async def forget_evidence(database: Database, now: datetime) -> int:
    """Return of how many; each in a transaction of its own. The database refuses what is not old."""
    async with database.system() as session:
        old = await list_old_leavers(session, leavers, now - EVIDENCE_KEPT)
    for owner in old:
        async with database.system() as session:
            await delete_rows(session, owner, OLD)
            await delete_facts(session, owner)
    return len(old)
