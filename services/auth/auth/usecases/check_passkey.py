"""Judge a passkey's signature, and use its challenge up."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.ceremonies import Credential, RelyingParty, bytes_of, challenge_of
from auth.domain.passkey import Ceremony
from auth.domain.user import Credentials, UserId
from auth.store import passkeys, system


async def check_passkey(
    session: Transaction,
    party: RelyingParty,
    credential: Credential,
    ceremony: Ceremony,
    owner: UserId | None,
    now: datetime,
) -> Credentials | None:
    """Return whose passkey has signed our challenge, the account locked, or None.

    A refusal is a value, because the challenge must stay used up. The account is locked before anything else, as by
    those who remove a passkey: else each could hold what the other waits for.

    Args:
        session: of the worker role.
        party: who we are.
        credential: the device's answer.
        ceremony: what the challenge was given for.
        owner: whose passkey it must be; None when anybody may log in.
        now: the time.
    """
    challenge, credential_id = challenge_of(credential), bytes_of(credential["rawId"])
    whose = None if credential_id is None else await passkeys.find_owner(session, credential_id)
    account = None if whose is None else await system.lock_credentials(session, whose)
    if challenge is None or not await passkeys.delete_challenge(session, challenge, ceremony, owner, now):
        return None
    passkey = None if credential_id is None else await passkeys.lock(session, credential_id)
    if passkey is None or (owner is not None and passkey.owner != owner):
        return None
    handle = credential["response"].get("userHandle")
    if handle is not None and bytes_of(handle) != passkey.owner.bytes:
        return None
    sign_count = party.signed(credential, challenge, passkey.key)
    if sign_count is None:
        return None
    await passkeys.save_use(session, passkey.id, sign_count, now)
    return account
