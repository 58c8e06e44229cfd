"""Find out whose request a signature proves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kit.db import Session as Transaction
from kit.db import after_commit

from auth.domain.api_key import ApiKey, ApiKeyId, SignedRequest, is_proven, is_timely, may_come_from
from auth.domain.user import User
from auth.spent_nonces import SpentNonces
from auth.store import system

Open = Callable[[ApiKey, bytes], bytes]
"""Opens a key's sealed secret; raises when it was not sealed by us for this key."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a signature is checked with."""

    open_secret: Open
    spent: SpentNonces


async def check_signature(
    session: Transaction, key_id: ApiKeyId, request: SignedRequest, how: Means, now: datetime
) -> tuple[User, ApiKey] | None:
    """Return who asks and by which key, or None for any reason at all: a guesser learns nothing.

    The nonce is remembered in this transaction, in the database and not in a cache: what forgets can be replayed.

    Args:
        session: of the worker role: nobody is known yet.
        key_id: which key is said to have signed.
        request: what was signed, and how.
        how: what opens the key's secret, and what this process remembers of spent nonces.
        now: the time.
    """
    if not is_timely(request, now):
        return None
    found = await system.find_api_key(session, key_id)
    if found is None:
        return None
    key, sealed_secret = found
    proven = is_proven(request, how.open_secret(key, sealed_secret))
    if not (proven and now < key.expires_at and may_come_from(key, request.address)):
        return None
    user = await system.find_user_by_id(session, key.owner)
    if user is None or user.locked_at is not None:
        return None
    if not await system.save_nonce(session, key_id, request.nonce, now):
        how.spent.add(key_id, request.nonce)
        return None

    async def remember() -> None:
        how.spent.add(key_id, request.nonce)

    after_commit(session, remember)
    await system.save_use(session, key_id, request.address, now)
    return user, key
