"""Passkeys, and the challenges they are to sign."""

from datetime import datetime

from kit.db import Session as Transaction
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.domain.passkey import CHALLENGE_TTL, PASSKEYS_MAX, Ceremony, Key, Passkey, PasskeyId, PasskeyShown
from auth.domain.user import UserId
from auth.store.tables import challenges, passkeys

SHARED = "a challenge belongs to nobody before it is answered, and a passkey says whose it is"


async def save_challenge(
    session: Transaction, challenge: bytes, ceremony: Ceremony, owner: UserId | None, now: datetime
) -> None:
    """Save a challenge for one ceremony: the owner's, or anybody's who logs in."""
    values = {"challenge": challenge, "user_id": owner, "purpose": ceremony, "expires_at": now + CHALLENGE_TTL}
    await session.execute(insert(challenges).values(values))


async def delete_challenge(
    session: Transaction, challenge: bytes, ceremony: Ceremony, owner: UserId | None, now: datetime
) -> bool:
    """Use a challenge up; False when it was not given for this, to this person, a moment ago."""
    statement = delete(challenges).where(
        challenges.c.challenge == challenge,
        challenges.c.purpose == ceremony,
        challenges.c.user_id.is_not_distinct_from(owner),
        challenges.c.expires_at > now,
    )
    return (await session.execute(statement.returning(challenges.c.challenge))).one_or_none() is not None


async def list_credential_ids(session: Transaction, owner: UserId) -> list[bytes]:
    """List what the owner's devices know their passkeys by."""
    statement = select(passkeys.c.credential_id).where(passkeys.c.owner_id == owner).limit(PASSKEYS_MAX)
    return list((await session.scalars(statement)).all())


async def list_shown(session: Transaction, owner: UserId) -> list[PasskeyShown]:
    """List the owner's passkeys, the newest first."""
    shown = select(passkeys.c.id, passkeys.c.name, passkeys.c.created_at, passkeys.c.used_at)
    statement = shown.where(passkeys.c.owner_id == owner).order_by(passkeys.c.created_at.desc()).limit(PASSKEYS_MAX)
    return [
        PasskeyShown(PasskeyId(row.id), row.name, row.created_at, row.used_at)
        for row in await session.execute(statement)
    ]


async def save(session: Transaction, passkey: Passkey, name: str, now: datetime) -> bool:
    """Save a new passkey; False when its credential is registered already."""
    statement = insert(passkeys).values(
        id=passkey.id,
        owner_id=passkey.owner,
        credential_id=passkey.key.credential_id,
        public_key=passkey.key.public_key,
        sign_count=passkey.key.sign_count,
        name=name,
        created_at=now,
    )
    saved = await session.execute(statement.on_conflict_do_nothing(index_elements=[passkeys.c.credential_id]))
    return saved.rowcount == 1


async def find_owner(session: Transaction, credential_id: bytes) -> UserId | None:
    """Find whose passkey has this credential."""
    owner = await session.scalar(select(passkeys.c.owner_id).where(passkeys.c.credential_id == credential_id))
    return None if owner is None else UserId(owner)


async def lock(session: Transaction, credential_id: bytes) -> Passkey | None:
    """Lock the passkey with this credential: signatures given at once are counted one after the other.

    Its owner's account is locked before.
    """
    statement = select(passkeys).where(passkeys.c.credential_id == credential_id).with_for_update()
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    return Passkey(PasskeyId(row.id), UserId(row.owner_id), Key(row.credential_id, row.public_key, row.sign_count))


async def save_use(session: Transaction, used: PasskeyId, sign_count: int, now: datetime) -> None:
    """Remember how far the device has counted."""
    statement = update(passkeys).where(passkeys.c.id == used)
    await session.execute(statement.values(sign_count=sign_count, used_at=now))


async def find_count(session: Transaction, owner: UserId) -> int:
    """Find how many passkeys the owner has."""
    statement = select(func.count()).select_from(passkeys).where(passkeys.c.owner_id == owner)
    return int(await session.scalar(statement) or 0)


async def delete_one(session: Transaction, owner: UserId, wanted: PasskeyId) -> bool:
    """Forget one of the owner's passkeys; False when there is none of this id."""
    statement = delete(passkeys).where(passkeys.c.owner_id == owner, passkeys.c.id == wanted)
    return (await session.execute(statement)).rowcount == 1


async def delete_all(session: Transaction, owner: UserId) -> int:
    """Forget all of the owner's passkeys; return how many there were."""
    return (await session.execute(delete(passkeys).where(passkeys.c.owner_id == owner))).rowcount
