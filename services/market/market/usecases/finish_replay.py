"""Close the session of a replay that has ended or was stopped."""

from datetime import datetime

from kit.db import Session
from kit.events import record

from market.domain.playback import SOURCE
from market.domain.replay import ACTIVE, ReplayId, tick_due
from market.errors import ReplayNotFound
from market.events import SessionChanged
from market.store import replays
from market.usecases.close_day import close_day


async def finish_replay(session: Session, replay_id: ReplayId, moment: datetime) -> None:
    """Mark a replay finished, or stopped when that was asked for; doing it twice changes nothing.

    A day that was played to its last tick is over, and its bar is closed.
    """
    replay = await replays.lock(session, replay_id)
    if replay is None:
        raise ReplayNotFound(f"There is no replay {replay_id}.")
    if replay.status not in ACTIVE:
        return
    await replays.save(session, replay.then("stopped" if replay.status == "stopping" else "finished", moment))
    fact = SessionChanged(market=replay.market, session="closed", trading_date=replay.trading_date)
    await record(session, fact, owner=None)
    if replay.started_at is not None and tick_due(replay, moment) == replay.ticks_per_symbol - 1:
        await close_day(session, replay.market, replay.symbols, replay.trading_date, SOURCE)
