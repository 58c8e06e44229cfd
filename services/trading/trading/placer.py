"""The placer: orders that wait at the same time are placed by one transaction.

One that comes while no transaction is under way goes at once, by itself. What comes meanwhile waits and goes as one
portion: so a quiet platform does not wait for company, and a busy one pays for a transaction once where it would have
paid sixteen times. A second transaction begins beside the first when there is enough for one, or somebody has waited a
few milliseconds; more of them only while none gets on, since an order by itself waits for whoever has its account
locked. An order that cannot go with others, and every one of a portion that failed, goes by itself: then it
shows whether it was to blame.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from kit.db import Database

from trading.domain.request import AccountId
from trading.usecases.place_in_account import Placed
from trading.usecases.place_order import place_order
from trading.usecases.place_together import Outcome, Wish, place_together
from trading.usecases.put_question import Asked

AT_ONCE: Final = 2
"""While PostgreSQL works on one portion, the next is being decided here."""
ENOUGH: Final = 8
PATIENCE_SECONDS: Final = 0.004
AT_MOST: Final = 8
STUCK_SECONDS: Final = 0.1
"""After so long without a new turn one more than usual begins: those under way wait for somebody's lock."""
PORTION_MAX: Final = 16
"""Orders of one transaction at most: so long the accounts of its first are locked."""
TRIES_MAX: Final = 3
"""So often an order goes with others while somebody has its account locked; then it waits for the lock by itself."""

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Waiting:
    """A wish, and what became of it: None when it is to be placed by itself, in a turn that is its own then."""

    wish: Wish
    placed: "asyncio.Future[Placed | None]" = field(default_factory=asyncio.Future)
    tries: int = 0

    @property
    def account_id(self) -> AccountId:
        """Where the order is to be placed."""
        return self.wish.asked.request.account_id


@dataclass
class Placer:
    """Places the orders of one process."""

    database: Database
    under_way: int = 0
    waiting: list[Waiting] = field(default_factory=list)
    locked: Counter[AccountId] = field(default_factory=Counter)
    """Accounts that orders are being placed in by this process."""
    portions: set["asyncio.Task[None]"] = field(default_factory=set)
    timer: "asyncio.TimerHandle | None" = None
    began_at: float = 0.0

    async def place(self, owner: UUID, asked: Asked) -> Placed:
        """Place an order, whoever else it goes with; raises what `place_order` raises, and no one else's errors."""
        if not asked.is_plain:
            return await self._alone(owner, asked)
        if self.under_way == 0:
            self.under_way, self.began_at = 1, asyncio.get_running_loop().time()
        elif (placed := await self._with_others(Wish(owner, asked, copy_context()))) is not None:
            return placed
        try:
            return await self._alone(owner, asked)
        finally:
            self._leave()

    async def _alone(self, owner: UUID, asked: Asked) -> Placed:
        with self._locking(asked.request.account_id):
            async with self.database.owned(owner) as session:
                return await place_order(session, owner, asked.request, asked.quote, asked.limits, asked.now)

    @contextmanager
    def _locking(self, *accounts: AccountId) -> Iterator[None]:
        self.locked.update(accounts)
        try:
            yield
        finally:
            self.locked.subtract(accounts)
            self.locked += Counter()  # forgets those at nothing

    async def _with_others(self, wish: Wish) -> Placed | None:
        waits = Waiting(wish)
        self.waiting.append(waits)
        self._begin()
        try:
            return await waits.placed
        except asyncio.CancelledError:
            if not waits.placed.cancelled() and waits.placed.result() is None:
                self._leave()  # the turn that was given to somebody who is gone
            raise

    def _leave(self) -> None:
        """End a turn: the next one begins with what waits."""
        self.under_way -= 1
        self._begin()

    def _begin(self, *, at_last: bool = False) -> None:
        """Begin a turn if one may: the first at once, another when there is enough for it or enough was waited."""
        if at_last:
            self.timer = None
        if not self.waiting:
            return
        if not self._may_begin(at_last=at_last) or not (portion := self._next_portion()):
            self._look_again(PATIENCE_SECONDS if self.under_way < AT_ONCE and not at_last else STUCK_SECONDS)
            return
        self.under_way += 1
        self.began_at = asyncio.get_running_loop().time()
        if len(portion) == 1:
            portion[0].placed.set_result(None)
            return
        task = asyncio.create_task(self._together(portion), name="placer")
        self.portions.add(task)
        task.add_done_callback(self.portions.discard)

    def _may_begin(self, *, at_last: bool) -> bool:
        if self.under_way == 0:
            return True
        if self.under_way < AT_ONCE:
            return at_last or len(self.waiting) >= ENOUGH
        return self.under_way < AT_MOST and asyncio.get_running_loop().time() - self.began_at >= STUCK_SECONDS

    def _look_again(self, seconds: float) -> None:
        if self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(seconds, partial(self._begin, at_last=True))

    def _next_portion(self) -> list[Waiting]:
        """Take the first that wait, one of each account; those of accounts at work wait for the next."""
        portion: dict[AccountId, Waiting] = {}
        later: list[Waiting] = []
        for waits in self.waiting:
            if waits.placed.done():  # whoever waited is gone
                continue
            is_held_up = waits.account_id in self.locked and self.under_way > 0
            if is_held_up or waits.account_id in portion or len(portion) == PORTION_MAX:
                later.append(waits)
            else:
                portion[waits.account_id] = waits
        self.waiting = later
        return list(portion.values())

    async def _together(self, portion: Sequence[Waiting]) -> None:
        outcomes: Sequence[Outcome] = [None] * len(portion)
        wishes = [waits.wish for waits in portion]
        try:
            with self._locking(*(waits.account_id for waits in portion)):
                async with self.database.owned(*(wish.owner for wish in wishes)) as session:
                    placed = await place_together(session, wishes)
            outcomes = placed  # now that it is committed
        except Exception as failed:  # noqa: BLE001 - each shows by itself whether it was to blame
            log.info("orders are placed one by one", error=repr(failed), count=len(portion))
        finally:
            for waits, outcome in zip(portion, outcomes, strict=True):
                self._settle(waits, outcome)
            self._leave()

    def _settle(self, waits: Waiting, outcome: Outcome) -> None:
        if waits.placed.done():
            return
        waits.tries += 1
        if outcome == "busy" and waits.tries < TRIES_MAX:
            self.waiting.insert(0, waits)
            return
        placed = None if outcome == "busy" else outcome
        self.under_way += placed is None
        waits.placed.set_result(placed)
