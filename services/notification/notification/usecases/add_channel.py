"""Add a channel."""

from kit.db import Session

from notification.domain.channel import CHANNELS_MAX, Channel
from notification.domain.delivery import Delivery
from notification.errors import TooManyChannels
from notification.store import channels, deliveries


async def add_channel(session: Session, channel: Channel, first: Delivery | None) -> None:
    """Save a channel of its owner, and queue the code that confirms it, if one is to be sent there.

    Raises:
        TooManyChannels: when the owner has as many as anybody may have.
    """
    if await channels.lock_count(session, channel.owner) >= CHANNELS_MAX:
        raise TooManyChannels(f"You have {CHANNELS_MAX} channels: delete one first.")
    await channels.save(session, channel.owner, channel)
    if first is not None:
        await deliveries.save_all(session, channel.owner, [first])
