"""What each owner prefers."""

from collections.abc import Mapping
from dataclasses import asdict

from kit.db import Session
from kit.sql import Row, Statement
from sqlalchemy import bindparam, delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from notification.domain.channel import ChannelId
from notification.domain.owner import OwnerId
from notification.domain.preference import Choice, Preferences
from notification.store.tables import channel_choices, preferences

OF_OWNER = Statement(select(preferences).where(preferences.c.owner_id == bindparam("owner")))

WITH_REACH = Statement(
    text(
        """
        SELECT chosen.*, EXISTS (SELECT FROM channels WHERE owner_id = :owner AND status = 'active') AS is_reachable
          FROM (SELECT 1) AS one LEFT JOIN preferences AS chosen ON chosen.owner_id = :owner
        """
    )
)


async def find(session: Session, owner: OwnerId) -> Preferences:
    """Find an owner's preferences; those of somebody who never chose any are the defaults."""
    row = await OF_OWNER.first(session, {"owner": owner})
    return Preferences() if row is None else chosen_of(row)


async def find_with_reach(session: Session, owner: OwnerId) -> tuple[Preferences, bool]:
    """Find an owner's preferences, and whether any channel of theirs takes notices now: most people have none."""
    row = await WITH_REACH.first(session, {"owner": owner})
    assert row is not None, "there is one row, whatever is chosen"
    return (Preferences() if row.owner_id is None else chosen_of(row)), row.is_reachable


def chosen_of(row: Row) -> Preferences:
    """The preferences that a row holds."""
    return Preferences(row.language, row.time_zone, row.quiet_from, row.quiet_to, row.digest_at)


async def save(session: Session, owner: OwnerId, chosen: Preferences) -> None:
    """Save an owner's preferences."""
    values = asdict(chosen)
    statement = upsert(preferences).values(owner_id=owner, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["owner_id"], set_=values))


async def list_choices(session: Session, owner: OwnerId) -> dict[tuple[ChannelId, str], Choice]:
    """List what the owner chose by channel and kind; where there is nothing, it is told at once."""
    rows = await session.execute(select(channel_choices).where(channel_choices.c.owner_id == owner))
    return {(ChannelId(row.channel_id), row.kind): row.choice for row in rows}


async def save_choices(session: Session, owner: OwnerId, channel_id: ChannelId, choices: Mapping[str, Choice]) -> None:
    """Replace what the owner chose for a channel."""
    mine = (channel_choices.c.owner_id == owner, channel_choices.c.channel_id == channel_id)
    await session.execute(delete(channel_choices).where(*mine))
    rows = [
        {"owner_id": owner, "channel_id": channel_id, "kind": kind, "choice": choice}
        for kind, choice in choices.items()
    ]
    if rows:
        await session.execute(insert(channel_choices), rows)
