"""Let rights count that the only admin proposed a day ago."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.user import User, UserId
from auth.store import proposals, system
from auth.usecases.change_rights import change_rights


async def put_rights_in_force(session: Transaction, user_id: UserId, now: datetime) -> User | None:
    """Return the account as it is now, or None when nothing is due for it (any more).

    Who proposed it has to be an admin still: a day was there for somebody to see to it that they are not.
    """
    if await system.lock_user(session, user_id) is None:
        return None
    proposal = await proposals.find(session, user_id, now)
    if proposal is None or proposal.effective_at is None or proposal.effective_at > now:
        return None
    proposer = await system.find_user_by_id(session, proposal.proposed_by)
    if proposer is None or proposer.role != "admin" or proposer.locked_at is not None:
        await proposals.delete_one(session, user_id)
        return None
    return await change_rights(session, str(proposal.proposed_by), user_id, proposal.of, now)
