"""Judges alerts on rules whenever a bar has closed.

Which bar an alert is due for is in its row, put there by the transaction that heard of the bar and taken out by the one
that acts on it: neither restarts nor a second worker make an alert trigger twice, or miss a bar that can still be had.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from kit.errors import Unavailable
from kit.ids import new_id
from kit.observe import log

from notification.domain.alert import Decided, Seen, Step, step
from notification.domain.rule_alert import PATIENCE, DueRule, judge_all
from notification.resources import Resources
from notification.store import system
from notification.usecases.judge_alert import judge_alert

LOOK_SECONDS = 1.0


class RuleWatcher:
    """Judges what is due, of everybody."""

    def __init__(self, resources: Resources, clock: Callable[[], datetime]) -> None:
        self._resources = resources
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                judged = await self.look()
            except Unavailable as down:
                log.warning("alerts on rules wait", error=str(down))
                judged = 0
            if judged == 0:
                await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> int:
        """Judge what is due; return how many bars are done with.

        Raises:
            Unavailable: while the database or market cannot be asked; what is due stays so.
        """
        async with self._resources.database.system() as session:
            due = await system.list_due_rules(session)
        now = self._clock()
        late = [each for each in due if now - each.due_at > PATIENCE]
        if late:
            log.warning("bars came too late to judge alerts on them", alerts=len(late))
            await self._end(late)
        bars = defaultdict(list)
        for each in due:
            if each.alert.interval is not None and now - each.due_at <= PATIENCE:
                bars[each.alert.interval, each.bar].append(each)
        done = len(late)
        for (interval, bar), waiting in bars.items():
            symbols = sorted({each.alert.symbol for each in waiting})
            frames = await self._resources.market.frames(symbols, interval, bar)
            done += await self._act(await asyncio.to_thread(judge_all, waiting, frames))
        return done

    async def _act(self, judged: Sequence[tuple[DueRule, Seen]]) -> int:
        now = self._clock()
        steps = [(due, seen, step(due.alert, seen, now)) for due, seen in judged]
        quiet = [due for due, _, meant in steps if meant is Step.NOTHING]
        if quiet:
            await self._end(quiet)
        publish = self._resources.hints.owner_was_told
        for due, seen, meant in steps:
            if meant is not Step.NOTHING:
                async with self._resources.database.owned(due.alert.owner) as session:
                    await judge_alert(session, due, Decided(due.alert, seen, meant, new_id()), now, publish)
        return len(judged)

    async def _end(self, done: Sequence[DueRule]) -> None:
        async with self._resources.database.system() as session:
            await system.save_judged(session, done)
