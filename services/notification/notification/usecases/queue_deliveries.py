"""Queue an owner's notices for their channels, as they prefer it."""

from collections.abc import Sequence
from datetime import timedelta

from kit.db import Session
from kit.ids import new_id

from notification.domain.channel import Channel
from notification.domain.delivery import HOURLY_MAX, TOO_MANY, Delivery, DeliveryId
from notification.domain.owner import OwnerId
from notification.domain.preference import Plan, Preferences, plan
from notification.store import channels, deliveries, preferences
from notification.store.stream import NewNotice


async def queue_deliveries(session: Session, owner: OwnerId, notices: Sequence[NewNotice], chosen: Preferences) -> int:
    """Queue notices, in the transaction that put them into the inbox; return how many deliveries were made.

    Args:
        session: the owner's.
        owner: whose notices.
        notices: in the owner's language.
        chosen: the owner's preferences.
    """
    reachable = await channels.list_all(session, owner, ("active",))
    if not reachable or not notices:
        return 0
    choices = await preferences.list_choices(session, owner)
    latest = max(new.at for new in notices)
    room = HOURLY_MAX - await deliveries.find_count(session, owner, latest - timedelta(hours=1))
    queued: list[Delivery] = []
    for new in notices:
        for channel in reachable:
            planned = plan(new.notice.kind, choices.get((channel.id, new.notice.kind), "now"), chosen, new.at)
            if planned is not None:
                queued.append(_delivery(channel, new, planned, fits=len(queued) < room))
    await deliveries.save_all(session, owner, queued)
    return len(queued)


def _delivery(channel: Channel, new: NewNotice, planned: Plan, *, fits: bool) -> Delivery:
    return Delivery(
        id=DeliveryId(new_id()),
        owner=channel.owner,
        channel=channel.id,
        kind=new.notice.kind,
        title=new.notice.title,
        body=new.notice.body,
        data=new.notice.data,
        status="waiting" if fits else "dropped",
        digest=planned.digest,
        tries=0,
        error=None if fits else TOO_MANY,
        created_at=new.at,
        due_at=planned.due_at,
        settled_at=None if fits else new.at,
    )
