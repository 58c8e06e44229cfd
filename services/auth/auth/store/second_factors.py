"""Second factors and their recovery codes: sealed, or as digests."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Session as Transaction
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from auth.domain.second_factor import SecondFactor
from auth.domain.user import UserId
from auth.store.tables import recovery_codes, second_factors, users


async def lock(session: Transaction, owner: UserId) -> SecondFactor | None:
    """Lock the owner's second factor, activated or not: codes given at once are judged one after the other."""
    statement = select(second_factors).where(second_factors.c.owner_id == owner).with_for_update()
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    return SecondFactor(owner, row.sealed, row.activated_at, row.last_step, row.failures, row.failed_at)


async def find_active(session: Transaction, owner: UserId) -> bool:
    """Tell whether a code is asked for when the owner logs in."""
    statement = select(second_factors.c.activated_at).where(second_factors.c.owner_id == owner)
    return await session.scalar(statement) is not None


async def find_passkey_wanted(session: Transaction, owner: UserId) -> bool:
    """Tell whether the owner wants a passkey beside the password."""
    return bool(await session.scalar(select(users.c.passkey_wanted).where(users.c.owner_id == owner)))


async def find_any(session: Transaction, owner: UserId) -> bool:
    """Tell whether anything is asked for beside the password."""
    return await find_active(session, owner) or await find_passkey_wanted(session, owner)


async def save_passkey_wanted(session: Transaction, owner: UserId, *, wanted: bool) -> None:
    """Want a passkey beside the password, or no longer; the worker role's."""
    await session.execute(update(users).where(users.c.owner_id == owner).values(passkey_wanted=wanted))


async def save_enrolment(session: Transaction, owner: UserId, sealed: bytes, now: datetime) -> bool:
    """Save a secret that waits to be activated, in place of one that waited; False when one is active."""
    statement = upsert(second_factors).values(owner_id=owner, sealed=sealed, enrolled_at=now)
    saved = await session.execute(
        statement.on_conflict_do_update(
            index_elements=[second_factors.c.owner_id],
            set_={"sealed": sealed, "enrolled_at": now, "last_step": 0},
            where=second_factors.c.activated_at.is_(None),
        ).returning(second_factors.c.owner_id)
    )
    return saved.one_or_none() is not None


async def save_activation(session: Transaction, owner: UserId, now: datetime) -> None:
    """From now on a code is asked for."""
    await session.execute(update(second_factors).where(second_factors.c.owner_id == owner).values(activated_at=now))


async def save_step(session: Transaction, owner: UserId, step: int) -> None:
    """Remember the newest step whose code was used: it and all before it are used up."""
    statement = update(second_factors).where(second_factors.c.owner_id == owner)
    await session.execute(statement.values(last_step=step, failures=0, failed_at=None))


async def save_failure(session: Transaction, owner: UserId, now: datetime) -> None:
    """Count a wrong code."""
    statement = update(second_factors).where(second_factors.c.owner_id == owner)
    await session.execute(statement.values(failures=second_factors.c.failures + 1, failed_at=now))


async def save_recovery_codes(session: Transaction, owner: UserId, digests: Sequence[bytes]) -> None:
    """Save new recovery codes; the earlier ones are worth nothing any more."""
    await session.execute(delete(recovery_codes).where(recovery_codes.c.owner_id == owner))
    await session.execute(insert(recovery_codes), [{"owner_id": owner, "digest": digest} for digest in digests])


async def delete_recovery_code(session: Transaction, owner: UserId, digest: bytes) -> bool:
    """Use a recovery code up; False when it is none."""
    used = recovery_codes.c.owner_id == owner, recovery_codes.c.digest == digest
    statement = delete(recovery_codes).where(*used).returning(recovery_codes.c.digest)
    return (await session.execute(statement)).one_or_none() is not None


async def delete_all(session: Transaction, owner: UserId) -> None:
    """Forget the second factor and its recovery codes."""
    await session.execute(delete(second_factors).where(second_factors.c.owner_id == owner))
