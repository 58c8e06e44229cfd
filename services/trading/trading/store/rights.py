"""Whether somebody may trade with real money, as auth said it last."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from trading.store.tables import rights


@dataclass(frozen=True, slots=True)
class Rights:
    """What holds from a moment on: the newer word counts, in whatever sequence they come."""

    live: bool
    told_at: datetime


LIVE = Statement(select(rights.c.live).where(rights.c.owner_id == bindparam("owner")))
_INSERT = insert(rights)
SAVE = _INSERT.on_conflict_do_update(
    index_elements=["owner_id"],
    set_={name: _INSERT.excluded[name] for name in ("live", "told_at")},
    where=rights.c.told_at <= _INSERT.excluded.told_at,
)


async def may_trade_live(session: Session, owner: UUID) -> bool:
    """Tell whether an owner may; of whom nobody has said anything may not."""
    row = await LIVE.first(session, {"owner": owner})
    return row is not None and bool(row.live)


async def save(session: Session, owner: UUID, said: Rights) -> bool:
    """Remember what was said; False when something newer is known."""
    result = await session.execute(SAVE, {"owner_id": owner, "live": said.live, "told_at": said.told_at})
    return result.rowcount == 1
