"""Settle what became of a message: sent, to be tried again, or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from kit.db import Session
from kit.events import record
from kit.ids import new_id

from notification.domain.channel import Channel
from notification.domain.delivery import Delivery, pause_after
from notification.domain.notice import of_broken_channel
from notification.events import DeliveryFailed
from notification.store import channels, deliveries
from notification.usecases.tell_owner import Publish, Told, tell_owner


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended. `sealed` are the channel's secrets when the try renewed them; `after` a pause asked for."""

    result: Literal["sent", "not_now", "refused", "gone"]
    error: str | None = None
    after: timedelta | None = None
    sealed: bytes | None = None


async def settle_deliveries(
    session: Session, channel: Channel, tried: Sequence[Delivery], outcome: Outcome, now: datetime, publish: Publish
) -> None:
    """Save how a try ended, and let the channel go.

    Args:
        session: the owner's.
        channel: as it was claimed.
        tried: the deliveries that shared the message, at least one.
        outcome: how it ended.
        now: when.
        publish: is given what the owner is told.
    """
    if await channels.lock(session, channel.owner, channel.id) is None:
        return  # deleted meanwhile, and its deliveries with it
    ids = [each.id for each in tried]
    changes: dict[str, object] = {} if outcome.sealed is None else {"sealed": outcome.sealed}
    if outcome.result == "sent":
        await deliveries.save_settled(session, channel.owner, ids, "sent", now)
        await channels.save_changes(session, channel.owner, channel.id, retry_at=now, trouble=None, **changes)
        return
    error = (outcome.error or outcome.result)[:500]
    pause = pause_after(tried[0], now, outcome.after) if outcome.result == "not_now" else None
    if pause is not None:
        await deliveries.save_later(session, channel.owner, ids, now + pause, error)
        changes |= {"retry_at": now + pause, "trouble": error}
    else:
        await deliveries.save_settled(session, channel.owner, ids, "dead", now, error)
        changes |= {"retry_at": now, "trouble": error}
        await _announce(session, channel, tried, error)
    if outcome.result == "gone":
        changes["status"] = "broken"
    await channels.save_changes(session, channel.owner, channel.id, **changes)
    if outcome.result == "gone":
        notice = of_broken_channel(str(channel.id), channel.name, error)
        tell_owner(session, channel.owner, Told(new_id(), (), notice, now), publish)


async def _announce(session: Session, channel: Channel, given_up: Sequence[Delivery], error: str) -> None:
    for delivery in given_up:
        fact = DeliveryFailed(
            delivery_id=delivery.id,
            channel_id=channel.id,
            channel_kind=channel.kind,
            notice_kind=delivery.kind,
            tries=delivery.tries + 1,
            error=error,
        )
        await record(session, fact, owner=channel.owner)
