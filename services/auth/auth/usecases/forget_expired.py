"""Throw away what has no use any more."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.store import leaving, proposals, revocations, system


async def forget_expired(session: Transaction, now: datetime) -> None:
    """Delete whatever has had its time, and what the history still says of people who left."""
    await system.delete_expired(session, now)
    await system.delete_old_nonces(session, now)
    await revocations.delete_dead(session, now)
    await proposals.delete_old(session, now)
    await leaving.delete_expired_exports(session, now)
    await leaving.delete_facts_of_erased(session)
    await leaving.delete_old_erasures(session, now)
