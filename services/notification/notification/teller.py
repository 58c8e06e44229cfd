"""The teller: what the bus says of many owners at once is written at once.

Messages of one owner follow one another, as the consumer sees to it; those of different owners come side by side, and
while one statement writes, what comes meanwhile waits for the next. So a quiet platform tells at once, and a busy one
pays for one transaction where it would have paid for twenty.

Whoever has a channel that takes notices is told in a transaction of their own, with their deliveries; so is whatever
could not be written together with others.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from kit.consumer import Read
from kit.db import Database
from kit.events import Envelope

from notification.domain.owner import OwnerId
from notification.domain.preference import Preferences
from notification.store.telling import system
from notification.subscriptions import CONSUMER
from notification.usecases.tell_owner import Publish, Told

Understand = Callable[[Any, Envelope], Told | None]
"""What a fact tells the owner of its message; None where it is not for telling."""

PORTIONS_MAX: Final = 16
"""Of how many owners one statement tells at most; one portion has what the consumer hands over at once."""
DEFAULTS: Final = (Preferences(), False)


@dataclass(frozen=True, slots=True)
class Portion:
    """What one owner is to be told, in order, and who waits to hear what became of it: None when it was not written."""

    owner: OwnerId
    told: Sequence[Told]
    done: "asyncio.Future[set[UUID] | None]" = field(default_factory=asyncio.Future)

    @property
    def is_noticed(self) -> bool:
        """Whether something of it is a notice."""
        return any(told.notice is not None for told in self.told)


class Teller:
    """Takes what the consumer hands over, and writes it with what others hand over meanwhile."""

    def __init__(
        self,
        database: Database,
        understand: Understand,
        publish: Publish,
        clock: Callable[[], datetime],
        consumer: str = CONSUMER,
    ) -> None:
        self._database = database
        self._understand = understand
        self._publish = publish
        self._clock = clock
        self._consumer = consumer
        self._waiting: list[Portion] = []
        self._writing: asyncio.Task[None] | None = None

    async def tell(self, batch: Sequence[Read]) -> list[str] | None:
        """Handle messages of one owner; None for what the consumer has to handle itself."""
        owner, told = batch[0].envelope.owner, [self._understand(read.fact, read.envelope) for read in batch]
        everything = [each for each in told if each is not None]
        if owner is None or len(everything) < len(batch):
            return None
        portion = Portion(OwnerId(owner), list({each.id: each for each in everything}.values()))
        with ExitStack() as stack:
            for read in batch:
                stack.enter_context(read.begun())
            self._waiting.append(portion)
            if self._writing is None or self._writing.done():
                self._writing = asyncio.create_task(self._write_all(), name="teller")
            new = await portion.done
        if new is None:
            return None
        outcomes = []
        for read in batch:
            outcomes.append("done" if read.envelope.id in new else "known")
            new.discard(read.envelope.id)
        return outcomes

    async def _write_all(self) -> None:
        while self._waiting:
            # whoever waited may have been cancelled: the messages come again
            waiting = [portion for portion in self._waiting if not portion.done.done()]
            portions, self._waiting = waiting[:PORTIONS_MAX], waiting[PORTIONS_MAX:]
            try:
                found = await self._write(portions) if portions else {}
            except Exception:  # noqa: BLE001 - each is handled by itself then, and shows whether it was to blame
                found = {}
            for portion in portions:
                if not portion.done.done():
                    portion.done.set_result(found.get(portion.owner))

    async def _write(self, portions: Sequence[Portion]) -> dict[OwnerId, set[UUID]]:
        """Write what may be written together; return which messages were new, by owner."""
        noticed = [portion.owner for portion in portions if portion.is_noticed]
        chosen: dict[OwnerId, tuple[Preferences, bool]] = {}
        if noticed:
            async with self._database.system(single=True) as session:
                chosen = await system.list_with_reach(session, noticed)
        alike = [each for each in portions if not each.is_noticed or not chosen[each.owner][1]]
        if not alike:
            return {}
        messages = [
            system.Message(told.id, portion.owner, *told.said(chosen.get(portion.owner, DEFAULTS)[0]))
            for portion in alike
            for told in portion.told
        ]
        async with self._database.system(single=True) as session:
            new, numbered = await system.save_told(session, self._consumer, messages, self._clock())
        for owner, entries in numbered.items():
            self._publish(owner, entries)
        return {portion.owner: {told.id for told in portion.told} & new for portion in alike}
