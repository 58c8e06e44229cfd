"""Close the session of a replay that has ended or was stopped."""

from datetime import datetime

from kit.db import Session
from kit.events import record

from market.domain.replay import ACTIVE, ReplayId
from market.errors import ReplayNotFound
from market.events import SessionChanged
from market.store import replays


async def finish_replay(session: Session, replay_id: ReplayId, moment: datetime) -> None:
    """Mark a replay finished, or stopped when that was asked for; doing it twice changes nothing."""
    replay = await replays.lock(session, replay_id)
    if replay is None:
        raise ReplayNotFound(f"There is no replay {replay_id}.")
    if replay.status not in ACTIVE:
        return
    await replays.save(session, replay.then("stopped" if replay.status == "stopping" else "finished", moment))
    fact = SessionChanged(market=replay.market, session="closed", trading_date=replay.trading_date)
    await record(session, fact, owner=None)
