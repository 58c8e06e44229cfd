"""The reads across owners, and housekeeping: worker role only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.db import Session
from kit.events import inbox
from kit.sql import Statement
from quant.markets.intervals import Interval
from sqlalchemy import Column, Table, Uuid, bindparam, delete, desc, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY

from notification.domain.alert import Alert, AlertId
from notification.domain.alert import Status as AlertStatus
from notification.domain.channel import Channel, ChannelId, ChannelKind
from notification.domain.owner import OwnerId
from notification.domain.rule_alert import DueRule
from notification.store.alerts import alert_of
from notification.store.channels import channel_of
from notification.store.tables import (
    alerts,
    channels,
    deliveries,
    notifications,
    stream,
    stream_heads,
    telegram_reading,
)

DELETED_AT_ONCE_MAX = 10_000
CLAIMABLE = channels.c.status.in_(("active", "pending"))
"""A pending channel is sent its code, and nothing else is ever queued for it."""
DUE_AT_ONCE_MAX = 2_000
WANTED_MAX = 500
"""Symbols that are asked for live: many times what any feed can follow."""
WATCHED = alerts.c.status.in_(("active", "resting"))
WATCHED_OF = Statement(
    text(
        """
        SELECT id, status FROM alerts
         WHERE status IN ('active', 'resting') AND condition <> 'rule'
           AND (CAST(:symbol AS text) IS NULL OR symbol = :symbol)
        """
    )
)
BY_IDS = Statement(select(alerts).where(alerts.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid)))))


async def list_heads(session: Session, owners: Collection[OwnerId]) -> dict[OwnerId, int]:
    """List how far the streams of these owners have come."""
    rows = await session.execute(select(stream_heads).where(stream_heads.c.owner_id.in_(owners)))
    return {OwnerId(row.owner_id): row.seq for row in rows}


async def list_watched(session: Session, symbol: str | None) -> dict[AlertId, AlertStatus]:
    """List how the alerts stand that wait for a quote, of one symbol or of all."""
    return {row["id"]: row["status"] for row in await WATCHED_OF.all(session, {"symbol": symbol})}


async def list_alerts(session: Session, alert_ids: Collection[AlertId]) -> list[Alert]:
    """List these alerts, of anybody."""
    return [alert_of(row) for row in await BY_IDS.all(session, {"ids": list(alert_ids)})] if alert_ids else []


async def list_wanted(session: Session) -> dict[str, int]:
    """List the symbols that alerts wait for, the most wanted first, and how many alerts wait for each."""
    counted = select(alerts.c.symbol, func.count().label("count")).where(WATCHED).group_by(alerts.c.symbol)
    rows = await session.execute(counted.order_by(desc("count"), alerts.c.symbol).limit(WANTED_MAX))
    return {row[0]: row[1] for row in rows}


async def save_expired(session: Session, now: datetime) -> None:
    """End the alerts whose time has run out."""
    await session.execute(update(alerts).where(WATCHED, alerts.c.expires_at <= now).values(status="expired"))


async def save_due(session: Session, symbol: str, interval: Interval, bar: datetime, at: datetime) -> None:
    """Write down that a bar has closed, for the rules that wait for it; the newest is what they are judged on."""
    waiting = (WATCHED, alerts.c.condition == "rule", alerts.c.symbol == symbol, alerts.c.interval == interval)
    newer = or_(alerts.c.due_bar.is_(None), alerts.c.due_bar < bar)
    await session.execute(update(alerts).where(*waiting, newer).values(due_bar=bar, due_at=at))


async def list_due_rules(session: Session) -> list[DueRule]:
    """List the rules that have a bar to be judged on, what has waited longest first."""
    statement = select(alerts).where(alerts.c.due_bar.is_not(None)).order_by(alerts.c.due_at).limit(DUE_AT_ONCE_MAX)
    return [DueRule(alert_of(row), row.due_bar, row.due_at) for row in await session.execute(statement)]


async def save_judged(session: Session, judged: Sequence[DueRule]) -> None:
    """Note that these have been judged on their bars, or are not going to be; a newer bar stays due."""
    bars = [(each.alert.id, each.bar) for each in judged]
    done = tuple_(alerts.c.id, alerts.c.due_bar).in_(bars)
    await session.execute(update(alerts).where(done).values(due_bar=None, due_at=None))


async def list_due_kinds(session: Session, now: datetime) -> list[ChannelKind]:
    """List the kinds of channels for which something is due."""
    due = (deliveries.c.status == "waiting", deliveries.c.due_at <= now, CLAIMABLE, channels.c.retry_at <= now)
    statement = select(channels.c.kind).join(deliveries, deliveries.c.channel_id == channels.c.id).where(*due)
    return list((await session.scalars(statement.distinct())).all())


@dataclass(frozen=True, slots=True)
class Room:
    """How many channels may be claimed, how many of one owner, and whose none at all."""

    most: int
    each: int
    full: Collection[OwnerId]


async def claim_channels(
    session: Session, kind: ChannelKind, room: Room, lease: timedelta, now: datetime
) -> list[Channel]:
    """Claim channels of a kind for which something is due: until the lease ends nobody else gets them.

    The channel is what is claimed and not the delivery, so what goes to one place goes in order and one at a time, and
    a place that does not answer takes one slot of the sender, however much waits for it.
    """
    waiting = select(deliveries.c.channel_id).where(deliveries.c.status == "waiting", deliveries.c.due_at <= now)
    due = (channels.c.kind == kind, CLAIMABLE, channels.c.retry_at <= now, channels.c.id.in_(waiting))
    place = func.row_number().over(partition_by=channels.c.owner_id, order_by=channels.c.retry_at).label("place")
    placed = select(channels.c.id, place).where(*due, channels.c.owner_id.not_in(room.full)).subquery()
    free = (
        select(channels.c.id)
        .where(*due, channels.c.id.in_(select(placed.c.id).where(placed.c.place <= room.each)))
        .order_by(channels.c.retry_at)
        .limit(room.most)
        .with_for_update(skip_locked=True)
    )
    statement = update(channels).where(channels.c.id.in_(free.scalar_subquery())).values(retry_at=now + lease)
    return [channel_of(row) for row in await session.execute(statement.returning(*channels.c))]


async def lock_channel(session: Session, channel_id: ChannelId) -> Channel | None:
    """Find a channel of anybody, and let nobody change it until the commit."""
    row = (await session.execute(select(channels).where(channels.c.id == channel_id).with_for_update())).one_or_none()
    return None if row is None else channel_of(row)


async def find_channel_of_chat(session: Session, chat: str) -> Channel | None:
    """Find the channel a chat of Telegram is linked to."""
    row = (await session.execute(select(channels).where(channels.c.chat == chat))).one_or_none()
    return None if row is None else channel_of(row)


async def claim_reading(session: Session, lease: timedelta, now: datetime) -> int | None:
    """Claim the reading of the bot's messages; return where it goes on, or None while another process reads."""
    free = update(telegram_reading).where(telegram_reading.c.lease_until <= now).values(lease_until=now + lease)
    place: int | None = await session.scalar(free.returning(telegram_reading.c.next_update))
    return place


async def save_reading(session: Session, next_update: int | None, lease_until: datetime) -> bool:
    """Go on, or let go with None; False for a message that was read before."""
    statement = update(telegram_reading).values(lease_until=lease_until)
    if next_update is not None:
        statement = statement.where(telegram_reading.c.next_update < next_update).values(next_update=next_update)
    return bool((await session.execute(statement)).rowcount)


async def delete_old_deliveries(session: Session, before: datetime) -> int:
    """Forget a portion of the deliveries that are too old, those that still wait as well."""
    return await _delete_portion(session, deliveries, deliveries.c.created_at, before)


async def delete_old_stream(session: Session, before: datetime) -> int:
    """Forget a portion of what is too old to be resumed from; the heads stay, so numbers go on."""
    return await _delete_portion(session, stream, stream.c.created_at, before)


async def delete_old_notices(session: Session, before: datetime) -> int:
    """Forget a portion of the notices that are too old."""
    return await _delete_portion(session, notifications, notifications.c.created_at, before)


async def delete_old_messages(session: Session, before: datetime) -> int:
    """Forget a portion of the messages that will not come a second time any more."""
    return await _delete_portion(session, inbox, inbox.c.received_at, before)


async def _delete_portion(session: Session, table: Table, age: Column[datetime], before: datetime) -> int:
    key = tuple_(*table.primary_key.columns)
    portion = select(*table.primary_key.columns).where(age < before).limit(DELETED_AT_ONCE_MAX)
    return (await session.execute(delete(table).where(key.in_(portion)))).rowcount
