"""Confirm that a channel belongs to its owner."""

from collections.abc import Mapping
from datetime import datetime

from kit.db import Session

from notification.domain.channel import Channel
from notification.domain.confirmation import confirms
from notification.errors import WrongCode
from notification.store import channels


async def confirm_channel(
    session: Session, channel: Channel, secrets: Mapping[str, str], code: str, now: datetime
) -> Channel:
    """Make a pending channel active; one that is active already stays so.

    Args:
        session: the owner's.
        channel: locked.
        secrets: opened.
        code: what came back.
        now: when.

    Raises:
        WrongCode: when the code is another one, or too old.
    """
    if channel.status != "pending":
        return channel
    if not confirms(code, secrets, channel.created_at, now):
        raise WrongCode("Use the newest code that was sent there; after a day, delete the channel and add it again.")
    active = await channels.save_changes(session, channel.owner, channel.id, status="active", retry_at=now)
    assert active is not None, "it is locked"
    return active
