"""Rights that somebody should have and does not have yet: what lets a person do more is looked at twice."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auth.domain.rights import Permissions
from auth.domain.user import Role, User, UserId

WAITS = timedelta(hours=24)
"""Where there is no second admin: long enough to notice that somebody else used the only one's session."""
KEPT = timedelta(days=7)
"""Nobody agrees by accident to what was proposed long ago."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an admin wants somebody to be and to be allowed; the newest counts, and there is one for each person."""

    user_id: UserId
    proposed_by: UserId
    proposed_at: datetime
    effective_at: datetime | None
    """When it comes into force by itself; None where another admin has to agree."""
    role: Role
    permissions: Permissions

    def of(self, user: User) -> User:
        """Return the account as it was proposed."""
        return replace(user, role=self.role, permissions=self.permissions)


def without_loosening(before: User, wanted: User) -> User:
    """Return the wanted account without what would let it do more than before: that much holds at once.

    More is to become an admin, to trade with real money, to place more orders a day. What costs the house nothing but
    work (premium, calls a minute) and paper money is not.
    """
    may, wish = before.permissions, wanted.permissions
    trades = min(
        (figure for figure in (may.daily_trades_max, wish.daily_trades_max) if figure is not None), default=None
    )
    permissions = replace(wish, real=may.real and wish.real, daily_trades_max=trades)
    role = before.role if wanted.role == "admin" else wanted.role
    return replace(wanted, role=role, permissions=permissions)
