"""Take back what an account has handed out besides sessions: API keys, and sight of its accounts."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.user import UserId
from auth.store import audit, revocations, system


async def withdraw_grants(session: Transaction, owner: UserId, now: datetime) -> None:
    """Delete the owner's API keys and delegations, in a transaction of the worker role.

    For an address that proves to be somebody else's than the one who used the account until now: what that one handed
    out must not outlive their password.
    """
    keys = await system.delete_api_keys(session, owner)
    await revocations.save_ended(session, keys, now)
    delegates = await system.delete_delegations(session, owner)
    for delegate_id in delegates:
        await revocations.save_version(session, delegate_id, await system.save_next_version(session, delegate_id), now)
    if keys or delegates:
        old = {"api_keys": str(len(keys)), "delegations": str(len(delegates))}
        await audit.record(session, now, AuditEntry("", "grants_withdrawn", str(owner), old=old))
