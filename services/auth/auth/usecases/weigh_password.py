"""See whether a new password is good enough for an account, and hash it."""

from dataclasses import dataclass, field

from kit.db import Database

from auth.domain import password
from auth.domain.user import UserId
from auth.errors import WeakPassword
from auth.hashing import Hasher
from auth.stolen import stolen_passwords
from auth.store import second_factors, users


@dataclass(frozen=True, slots=True)
class Chosen:
    """A new password, normalised and hashed."""

    password: str = field(repr=False)
    password_hash: str = field(repr=False)


async def weigh_password(database: Database, hasher: Hasher, owner: UserId, given: str) -> Chosen:
    """Hash a password for its owner, outside of any transaction.

    Raises:
        WeakPassword: when it is not good enough; with a second factor, a shorter one is.
    """
    async with database.system() as session:
        user = await users.find(session, owner)
        second_factor = await second_factors.find_any(session, owner)
    normalised = password.normalise(given)
    email, name = (user.email, user.profile.name) if user else ("", "")
    weakness = password.weakness_of(normalised, email, name, stolen_passwords(), second_factor=second_factor)
    if weakness is not None:
        raise WeakPassword(weakness)
    async with hasher.turn() as turn:
        return Chosen(normalised, await turn.hash(normalised))
