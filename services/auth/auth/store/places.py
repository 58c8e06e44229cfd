"""The places an account was used at."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Session as Transaction
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from auth.domain.guessing import FAMILIAR_FOR, FAMILIAR_PLACES_MAX
from auth.domain.user import UserId
from auth.store.tables import familiar_places


async def find_familiar(
    session: Transaction, owner: UserId, digests: Sequence[bytes], now: datetime
) -> frozenset[bytes]:
    """Find which of these the owner has been at lately."""
    statement = select(familiar_places.c.digest).where(
        familiar_places.c.owner_id == owner,
        familiar_places.c.digest.in_(digests),
        familiar_places.c.seen_at > now - FAMILIAR_FOR,
    )
    return frozenset((await session.scalars(statement)).all())


async def save(session: Transaction, owner: UserId, digests: Sequence[bytes], now: datetime) -> None:
    """Remember that the owner is here; of too many places the oldest are forgotten."""
    statement = insert(familiar_places).values(
        [{"owner_id": owner, "digest": each, "seen_at": now} for each in digests]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[familiar_places.c.owner_id, familiar_places.c.digest], set_={"seen_at": now}
        )
    )
    oldest = (
        select(familiar_places.c.digest)
        .where(familiar_places.c.owner_id == owner)
        .order_by(familiar_places.c.seen_at.desc(), familiar_places.c.digest)
        .offset(FAMILIAR_PLACES_MAX)
    )
    await session.execute(
        delete(familiar_places).where(familiar_places.c.owner_id == owner, familiar_places.c.digest.in_(oldest))
    )
