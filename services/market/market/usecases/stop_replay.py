"""Ask a replay to stop; the worker closes its session."""

from datetime import datetime

from kit.db import Session

from market.domain.replay import Replay, ReplayId, stop_of
from market.errors import ReplayNotFound
from market.store import replays


async def stop_replay(session: Session, replay_id: ReplayId, moment: datetime) -> Replay:
    """Stop a replay; one that has ended already is left as it is."""
    replay = await replays.lock(session, replay_id)
    if replay is None:
        raise ReplayNotFound(f"There is no replay {replay_id}.")
    stopped = stop_of(replay, moment)
    if stopped != replay:
        await replays.save(session, stopped)
    return stopped
