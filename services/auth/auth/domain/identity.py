"""Who other providers say somebody is, and when that may be believed to be one of our accounts."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType
from uuid import UUID

from auth.domain.user import Credentials

IdentityId = NewType("IdentityId", UUID)

FLOW_TTL = timedelta(minutes=10)
TICKET_TTL = timedelta(minutes=2)
IDENTITIES_MAX = 20


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a provider says about whoever logged in there. The pair of issuer and subject is the identity; an e-mail
    address is not, since it changes hands."""

    provider: str
    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class IdentityShown:
    """A linked identity, as its owner sees it."""

    id: IdentityId
    provider: str
    email: str | None
    linked_at: datetime


class Settlement(enum.Enum):
    """What becomes of an identity that nobody has yet."""

    OPEN = "a new account"
    LINK = "the account with this address: both sides have verified it"
    TAKE_OVER = "the account with this address, which nobody verified: it loses its password and its sessions"
    REFUSE = "the owner must log in and link it"


def settle(claimed: Claimed, account: Credentials | None, *, verified_here: bool, guarded: bool) -> Settlement:
    """Decide about an identity we do not know.

    Args:
        claimed: what the provider says.
        account: ours with the same address, if there is one.
        verified_here: whether that account's address was verified by us.
        guarded: whether it has a second factor, a passkey or another identity: then its owner is around, and no
            provider's word replaces them.
    """
    if claimed.email is None or not claimed.email_verified:
        return Settlement.REFUSE
    if account is None:
        return Settlement.OPEN
    if verified_here:
        return Settlement.LINK
    return Settlement.REFUSE if guarded else Settlement.TAKE_OVER
