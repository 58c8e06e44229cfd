"""Take back what else opens an account besides its password, and what it has handed out."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.user import UserId
from auth.store import audit, identities, passkeys, revocations, second_factors, system


async def withdraw_grants(session: Transaction, owner: UserId, now: datetime) -> None:
    """Delete the owner's passkeys, linked identities, API keys and delegations, in a transaction of the worker role.

    For an address that proves to be somebody else's than the one who used the account until now: none of it may outlive
    their password. An authenticator app stays: it lets nobody in by itself (docs/decisions/0021).
    """
    await second_factors.save_passkey_wanted(session, owner, wanted=False)
    ways = {"passkeys": await passkeys.delete_all(session, owner)}
    ways["identities"] = await identities.delete_all(session, owner)
    keys = await system.delete_api_keys(session, owner)
    await revocations.save_ended(session, keys, now)
    delegates = await system.delete_delegations(session, owner)
    for delegate_id in delegates:
        await revocations.save_version(session, delegate_id, await system.save_next_version(session, delegate_id), now)
    counts = ways | {"api_keys": len(keys), "delegations": len(delegates)}
    if any(counts.values()):
        old = {name: str(count) for name, count in counts.items()}
        await audit.record(session, now, AuditEntry("", "grants_withdrawn", str(owner), old=old))
