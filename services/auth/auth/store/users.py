"""Accounts of people."""

from typing import Any

from kit.db import Session as Transaction
from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.domain.rights import Permissions
from auth.domain.user import Profile, User, UserId
from auth.store.tables import SHOWN, users


def user_of(row: Row[*tuple[Any, ...]]) -> User:
    """Build a user from a row that holds the shown columns."""
    permissions = Permissions(row.may_paper, row.may_real, row.premium, row.daily_trades_max, row.calls_per_minute_max)
    profile = Profile(row.name, row.language, row.time_zone)
    rights = (permissions, row.rights_version, row.locked_at, frozenset(row.lenders))
    return User(row.id, row.email, row.role, profile, row.created_at, *rights)


async def find(session: Transaction, owner: UserId) -> User | None:
    """Find the owner's own account."""
    row = (await session.execute(select(*SHOWN).where(users.c.owner_id == owner))).one_or_none()
    return None if row is None else user_of(row)


async def save(session: Transaction, owner: UserId, user: User, password_hash: str | None) -> bool:
    """Save a new account, with the role `user`; False when its address is taken."""
    statement = insert(users).values(
        id=user.id,
        owner_id=owner,
        email=user.email,
        password_hash=password_hash,
        name=user.profile.name,
        language=user.profile.language,
        time_zone=user.profile.time_zone,
        created_at=user.created_at,
    )
    result = await session.execute(statement.on_conflict_do_nothing(index_elements=[users.c.email]))
    return result.rowcount == 1


async def save_profile(session: Transaction, owner: UserId, profile: Profile) -> User | None:
    """Change what may be changed; None when there is no such account (any more)."""
    statement = update(users).where(users.c.owner_id == owner)
    statement = statement.values(name=profile.name, language=profile.language, time_zone=profile.time_zone)
    row = (await session.execute(statement.returning(*SHOWN))).one_or_none()
    return None if row is None else user_of(row)
