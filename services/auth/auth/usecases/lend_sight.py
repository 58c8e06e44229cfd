"""Let somebody look at one's accounts, or no longer."""

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.delegation import Delegation
from auth.errors import NobodyToLendTo
from auth.store import audit, revocations, system

LENDERS_MAX = 20
"""How many may lend to one person: each stands in that person's token."""


async def lend_sight(session: Transaction, delegation: Delegation, *, taken_back: bool = False) -> bool:
    """Begin or end a delegation, False when there is none to end; the delegate's older tokens are worthless.

    Args:
        session: of the worker role: it touches two people's rows.
        delegation: to end one, only its id, owner and the time count.
        taken_back: whether it ends.

    Raises:
        NobodyToLendTo: when no account has the address, it is one's own, or as many lend to it as can.
    """
    if taken_back:
        delegate_id = await system.delete_delegation(session, delegation.owner, delegation.id)
        if delegate_id is None:
            return False
    else:
        delegate = await system.find_user(session, delegation.email)
        if delegate is None or delegate.id == delegation.owner or len(delegate.lenders) >= LENDERS_MAX:
            raise NobodyToLendTo("Give the address of another account of this installation.")
        delegate_id = delegate.id
        if not await system.save_delegation(session, delegation.owner, delegation, delegate_id):
            raise NobodyToLendTo("This person may look at your accounts already.")
    version = await system.save_next_version(session, delegate_id)
    await revocations.save_version(session, delegate_id, version, delegation.created_at)
    action = "sight_taken_back" if taken_back else "sight_lent"
    entry = AuditEntry(str(delegation.owner), action, str(delegate_id), new={"delegation": str(delegation.id)})
    await audit.record(session, delegation.created_at, entry)
    return True
