"""Plays replays: one worker at a time, at the pace of the wall clock.

When a worker loses the right to play, another goes on with the tick that is due by then. Nothing but the replay's row
has to survive.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from kit.db import Database
from redis.asyncio import Redis
from redis.exceptions import RedisError

from market import lease
from market.domain.playback import Playback, quote_at
from market.domain.quote import Quote, Session, Trade, book_of, trade_of
from market.domain.replay import PULSE, ReplayId, is_over, next_due, tick_due
from market.store import quotes, replays
from market.store.fence import Fence, fenced
from market.tasks import end
from market.usecases.begin_replay import begin_replay
from market.usecases.finish_replay import finish_replay

LOOK_SECONDS = 1.0

log = structlog.get_logger()


class Replayer:
    """Looks after all active replays."""

    def __init__(self, database: Database, cache: Redis, system_url: str, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._cache = cache
        self._system_url = system_url
        self._clock = clock
        self._wake = asyncio.Event()
        self._playing: dict[ReplayId, asyncio.Task[None]] = {}
        self._stops: dict[ReplayId, asyncio.Event] = {}
        self._volumes: dict[str, int] = {}

    async def run(self) -> None:
        """Play until cancelled, through every restart of the database."""
        await lease.work_alone(self._system_url, lease.Right.PLAY_REPLAYS, self._play_alone)

    async def _play_alone(self, held: lease.Held) -> None:
        async with fenced(self._cache, held.fence, held.epoch) as fence:
            try:
                await held.listen(replays.CHANNEL, self._wake.set)
                log.info("replayer plays", epoch=held.epoch)
                await self._look_after_replays(fence)
            finally:
                await self._drop_everything()

    async def _look_after_replays(self, fence: Fence) -> None:
        while True:
            self._wake.clear()
            self._forget_finished()  # before we ask: what ends while we do is still known, and is not played again
            async with self._database.system() as session:
                active = await replays.list_active(session)
            for replay in active:
                stop = self._stops.setdefault(replay.id, asyncio.Event())
                if replay.status == "stopping":
                    stop.set()
                if replay.id not in self._playing:
                    self._playing[replay.id] = asyncio.create_task(self._play(fence, replay.id, stop))
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _forget_finished(self) -> None:
        """Let go of ended tasks; one that failed is begun anew, as its replay is still active."""
        for replay_id, task in list(self._playing.items()):
            if task.done():
                del self._playing[replay_id], self._stops[replay_id]
                if (failure := task.exception()) is not None:
                    log.warning("replay is taken up again", replay=str(replay_id), exc_info=failure)

    async def _drop_everything(self) -> None:
        await end(self._playing.values())
        self._playing.clear()
        self._stops.clear()

    async def _play(self, fence: Fence, replay_id: ReplayId, stop: asyncio.Event) -> None:
        async with self._database.system() as session:
            replay, playbacks = await begin_replay(session, replay_id, self._clock())
        while not stop.is_set() and not is_over(replay, moment := self._clock()):
            await self._publish(fence, playbacks, tick_due(replay, moment), "regular")
            pause = (next_due(replay, moment) - self._clock()).total_seconds()
            try:
                async with asyncio.timeout(max(pause, 0)):
                    await stop.wait()
            except TimeoutError:
                continue
        last = tick_due(replay, self._clock())
        while not await self._publish(fence, playbacks, last, "closed"):  # noqa: ASYNC110 - until Redis is back
            await asyncio.sleep(PULSE.total_seconds())
        async with self._database.system() as session:
            await finish_replay(session, replay_id, self._clock())

    async def _publish(self, fence: Fence, playbacks: Sequence[Playback], tick: int, session: Session) -> bool:
        """Publish one tick of all symbols; while Redis is away ticks are lost, as they would be late anyway."""
        stamp = self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            now_quoted = [quote_at(playback, tick, session, stamp) for playback in playbacks]
            await quotes.save(fence, now_quoted, self._trades(now_quoted), list(map(book_of, now_quoted)))
        except (RedisError, OSError) as away:
            log.warning("quotes not published", error=repr(away))
            return False
        return True

    def _trades(self, now_quoted: Sequence[Quote]) -> list[Trade]:
        """What was traded since each symbol was quoted last; a replay that begins has traded nothing yet."""
        traded = []
        for quote in now_quoted:
            quantity = quote.volume - self._volumes.get(quote.symbol, quote.volume)
            self._volumes[quote.symbol] = quote.volume
            if quantity > 0:
                traded.append(trade_of(quote, quantity))
        return traded
