"""Register a passkey by the device's answer to our challenge."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.errors import AppError

from auth.ceremonies import Credential, RelyingParty, challenge_of
from auth.domain.audit import AuditEntry
from auth.domain.passkey import PASSKEYS_MAX, Passkey, PasskeyId
from auth.domain.user import UserId
from auth.errors import PasskeyUnusable, TooManyPasskeys
from auth.store import audit, passkeys, system


async def add_passkey(
    session: Transaction, party: RelyingParty, owner: UserId, offered: tuple[PasskeyId, str, Credential], now: datetime
) -> AppError | None:
    """Return None when it is saved, else the refusal; the challenge is used up either way.

    Args:
        session: of the worker role.
        party: who we are.
        owner: who registers it.
        offered: the id it is to have, its name, and the device's answer.
        now: the time.
    """
    passkey_id, name, credential = offered
    await system.lock_credentials(session, owner)
    challenge = challenge_of(credential)
    if challenge is None or not await passkeys.delete_challenge(session, challenge, "register", owner, now):
        return PasskeyUnusable()
    key = party.created(credential, challenge)
    if key is None:
        return PasskeyUnusable()
    if await passkeys.find_count(session, owner) >= PASSKEYS_MAX:
        return TooManyPasskeys()
    if not await passkeys.save(session, Passkey(passkey_id, owner, key), name, now):
        return PasskeyUnusable()
    kept = {"passkey": str(passkey_id), "name": name}
    await audit.record(session, now, AuditEntry(str(owner), "passkey_added", str(owner), new=kept))
    return None
