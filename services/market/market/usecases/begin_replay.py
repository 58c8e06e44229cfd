"""Open the session of a waiting replay, and get its symbols ready to play."""

from datetime import datetime

from kit.db import Session
from kit.events import record

from market.domain.playback import Playback, prepare
from market.domain.replay import Replay, ReplayId
from market.errors import ReplayNotFound
from market.events import SessionChanged
from market.store import bars, instruments, replays


async def begin_replay(session: Session, replay_id: ReplayId, moment: datetime) -> tuple[Replay, list[Playback]]:
    """Begin a replay, or take up one that was running when the worker stopped."""
    replay = await replays.lock(session, replay_id)
    if replay is None:
        raise ReplayNotFound(f"There is no replay {replay_id}.")
    known = await instruments.find_many(session, replay.symbols)
    days = await bars.find_day(session, replay.symbols, replay.trading_date)
    playbacks = [
        prepare(known[symbol], bar, previous_close, replay.ticks_per_symbol)
        for symbol, (bar, previous_close) in sorted(days.items())
    ]
    if replay.status == "waiting":
        replay = replay.then("running", moment)
        await replays.save(session, replay)
        fact = SessionChanged(market=replay.market, session="regular", trading_date=replay.trading_date)
        await record(session, fact, owner=None)
    return replay, playbacks
