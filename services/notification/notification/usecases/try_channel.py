"""Try a channel: queue a message that says only that it works."""

from dataclasses import replace
from datetime import timedelta

from kit.db import Session

from notification.domain.channel import ChannelId
from notification.domain.delivery import HOURLY_MAX, Delivery
from notification.domain.owner import OwnerId
from notification.errors import ChannelNotActive, ChannelNotFound, TooManyDeliveries
from notification.store import channels, deliveries, preferences

TITLES = {"en": "A test from Exodus", "ko": "Exodus 시험 알림"}
BODIES = {"en": "This channel works.", "ko": "이 채널은 정상입니다."}


async def try_channel(session: Session, owner: OwnerId, channel_id: ChannelId, draft: Delivery) -> Delivery:
    """Queue a test for a channel, whatever its owner prefers; what becomes of it is in the log of deliveries.

    Raises:
        ChannelNotFound, ChannelNotActive, TooManyDeliveries: and nothing is queued.
    """
    channel = await channels.find(session, owner, channel_id)
    if channel is None:
        raise ChannelNotFound("You have no channel with this id.")
    if channel.status != "active":
        raise ChannelNotActive(f"The channel is {channel.status}: confirm it, or switch it on first.")
    if await deliveries.find_count(session, owner, draft.created_at - timedelta(hours=1)) >= HOURLY_MAX:
        raise TooManyDeliveries(f"You have had {HOURLY_MAX} deliveries within an hour: try again later.")
    language = (await preferences.find(session, owner)).language
    queued = replace(draft, title=TITLES[language], body=BODIES[language])
    await deliveries.save_all(session, owner, [queued])
    return queued
