"""Find out whose an identity is: somebody's already, a new account's, or that of an account with the same address."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.events import record

from auth.domain.audit import AuditEntry
from auth.domain.email import normalise
from auth.domain.identity import Claimed, IdentityId, Settlement, settle
from auth.domain.user import User, UserId
from auth.errors import LinkNeeded
from auth.events import UserRegistered
from auth.store import audit, identities, second_factors, system
from auth.usecases.end_sessions import end_sessions
from auth.usecases.withdraw_grants import withdraw_grants


async def settle_identity(
    session: Transaction, claimed: Claimed, newcomer: User, identity_id: IdentityId, now: datetime
) -> UserId:
    """Return whose account it is, now that it is linked.

    Args:
        session: of the worker role: nobody is known yet.
        claimed: what the provider says.
        newcomer: the account to open if there is none.
        identity_id: for the link, if there is none.
        now: the time.

    Raises:
        LinkNeeded: when the owner must log in and link it; nothing is changed.
    """
    owner = await identities.find_owner(session, claimed)
    if owner is not None:
        return owner
    email = normalise(claimed.email or "")
    found = await system.find_user(session, email)
    account = None if found is None else await system.lock_credentials(session, found.id)
    verified_here = account is not None and await system.find_verified(session, account.user.id)
    guarded = account is not None and await _guarded(session, account.user.id)
    settlement = settle(claimed, account, verified_here=verified_here, guarded=guarded)
    if settlement is Settlement.REFUSE:
        raise LinkNeeded
    if settlement is Settlement.OPEN:
        owner = newcomer.id
        if not await system.save_without_password(session, newcomer, now):
            raise LinkNeeded  # somebody registered the address in this very moment
        await audit.record(session, now, AuditEntry(str(owner), "registered", str(owner), new={"by": "provider"}))
        await _announce(session, newcomer)
    else:
        assert account is not None, "only an account can be linked or taken over"
        owner = account.user.id
        if settlement is Settlement.TAKE_OVER:
            await system.save_password(session, owner, None, short=False)
            await system.save_verified(session, owner, now)
            await audit.record(session, now, AuditEntry("", "account_taken_over", str(owner)))
            await end_sessions(session, owner, "password_reset", now)
            await withdraw_grants(session, owner, now)
            if account.pending:
                await _announce(session, account.user)
    if not await identities.save(session, owner, identity_id, claimed, now):
        raise LinkNeeded  # the account has another identity of this provider
    kept = {"provider": claimed.provider, "identity": str(identity_id)}
    await audit.record(session, now, AuditEntry(str(owner), "identity_linked", str(owner), new=kept))
    return owner


async def _guarded(session: Transaction, owner: UserId) -> bool:
    return await second_factors.find_active(session, owner) or await system.find_other_way_in(session, owner)


async def _announce(session: Transaction, user: User) -> None:
    registered = UserRegistered(user_id=user.id, email=user.email, name=user.profile.name)
    await record(session, registered, owner=user.id)
