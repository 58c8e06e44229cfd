"""Find out whose request a signature proves."""

from collections.abc import Callable
from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.api_key import ApiKey, ApiKeyId, SignedRequest, is_proven, is_timely, may_come_from
from auth.domain.user import User
from auth.store import system

Open = Callable[[ApiKey, bytes], bytes]
"""Opens a key's sealed secret."""


async def check_signature(
    session: Transaction, key_id: ApiKeyId, request: SignedRequest, open_secret: Open, now: datetime
) -> tuple[User, ApiKey] | None:
    """Return who asks and by which key, or None for any reason at all: a guesser learns nothing.

    The nonce is remembered in this transaction, in the database and not in a cache: what forgets can be replayed.

    Args:
        session: of the worker role: nobody is known yet.
        key_id: which key is said to have signed.
        request: what was signed, and how.
        open_secret: opens the key's secret; raises when it was not sealed by us for this key.
        now: the time.
    """
    if not is_timely(request, now):
        return None
    found = await system.find_api_key(session, key_id)
    if found is None:
        return None
    key, sealed_secret = found
    proven = is_proven(request, open_secret(key, sealed_secret))
    if not (proven and now < key.expires_at and may_come_from(key, request.address)):
        return None
    user = await system.find_user_by_id(session, key.owner)
    if user is None or user.locked_at is not None:
        return None
    if not await system.save_nonce(session, key_id, request.nonce, now):
        return None
    await system.save_use(session, key_id, request.address, now)
    return user, key
