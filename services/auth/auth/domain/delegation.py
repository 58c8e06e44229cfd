"""A delegation: somebody lets somebody else look at their accounts, and do nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.domain.user import UserId


@dataclass(frozen=True, slots=True)
class Delegation:
    """Who lends, and to which address."""

    id: UUID
    owner: UserId
    email: str
    created_at: datetime
