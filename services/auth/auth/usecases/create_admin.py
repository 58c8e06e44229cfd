"""Make the first admin: the one role that nobody can register for."""

from dataclasses import replace
from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.user import User
from auth.store import system
from auth.usecases.change_rights import change_rights
from auth.usecases.register_user import register_user


async def create_admin(session: Transaction, user: User, password_hash: str | None, now: datetime) -> User | None:
    """Create an admin, or promote the account that has the address already.

    Args:
        session: of the worker role: no other may write a role.
        user: the account to create, if there is none with its address.
        password_hash: for the new account; the password of an account that exists stays what it is.
        now: the time.

    Returns:
        the account that is an admin now; None when there is none with this address and no password to create it with.
    """
    existing = await system.find_user(session, user.email)
    if existing is None:
        if password_hash is None:
            return None
        await register_user(session, user, password_hash)
    admin = existing or user
    return await change_rights(session, "operator", admin.id, lambda now_is: replace(now_is, role="admin"), now)
