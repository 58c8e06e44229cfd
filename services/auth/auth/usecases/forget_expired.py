"""Throw away what has no use any more."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.store import revocations, system


async def forget_expired(session: Transaction, now: datetime) -> None:
    """Delete sessions and counts whose time is over."""
    await system.delete_expired(session, now)
    await system.delete_old_nonces(session, now)
    await revocations.delete_dead(session, now)
