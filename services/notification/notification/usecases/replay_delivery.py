"""Replay a delivery that was given up."""

from datetime import datetime, timedelta

from kit.db import Session

from notification.domain.delivery import HOURLY_MAX, Delivery, DeliveryId
from notification.domain.owner import OwnerId
from notification.errors import ChannelNotActive, DeliveryNotFound, NotReplayable, TooManyDeliveries
from notification.store import channels, deliveries


async def replay_delivery(session: Session, owner: OwnerId, delivery_id: DeliveryId, now: datetime) -> Delivery:
    """Let a dead or dropped delivery wait again; one older than six hours gets one try.

    Raises:
        DeliveryNotFound, NotReplayable, ChannelNotActive, TooManyDeliveries: and nothing changes.
    """
    delivery = await deliveries.lock(session, owner, delivery_id)
    if delivery is None:
        raise DeliveryNotFound("You have no delivery with this id.")
    if delivery.status not in {"dead", "dropped"}:
        raise NotReplayable(f"This delivery is {delivery.status}; only dead and dropped ones are sent again.")
    channel = await channels.find(session, owner, delivery.channel)
    if channel is None or channel.status != "active":
        raise ChannelNotActive("Its channel is not in use: switch it on, or connect it again, first.")
    if await deliveries.find_count(session, owner, now - timedelta(hours=1)) >= HOURLY_MAX:
        raise TooManyDeliveries(f"You have had {HOURLY_MAX} deliveries within an hour: try again later.")
    await deliveries.save_replayed(session, owner, delivery_id, now)
    replayed = await deliveries.lock(session, owner, delivery_id)
    assert replayed is not None, "it is locked"
    return replayed
