"""Take the next mail that is due, with a fresh token where it carries one."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kit.db import Session as Transaction

from auth.domain.mail import PURPOSES, TOKEN_TTL, Text, text_of
from auth.domain.session import digest_of
from auth.store import mails, users


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail to be handed to the server now."""

    id: UUID
    tries: int
    recipient: str
    text: Text = field(repr=False)


async def take_mail(session: Transaction, public_url: str, token: str, now: datetime) -> Outgoing | None:
    """Return the mail due the longest, in its reader's language; None when none is.

    The token is made for this very try, and only its digest is saved: no table ever holds what the mail says.
    """
    taken = await mails.lock_due(session, now)
    if taken is None:
        return None
    mail_id, owner, kind, tries = taken
    user = await users.find(session, owner)
    assert user is not None, "a mail has its user: the table says so"
    purpose = PURPOSES.get(kind)
    if purpose is not None:
        await mails.save_token(session, owner, digest_of(token), purpose, now + TOKEN_TTL[purpose])
    text = text_of(
        kind,
        user.profile.language,
        name=user.profile.name,
        public_url=public_url,
        token=token if purpose is not None else None,
    )
    return Outgoing(mail_id, tries, user.email, text)
