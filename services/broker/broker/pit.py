"""The pit: orders that come to one book of ours at once are placed at once.

Orders of one owner follow one another, as the consumer sees to it; those of different owners come side by side, and all
that trade one symbol want its book. While some are placed, what comes meanwhile waits, and is placed together next. So
an order that comes when it is quiet goes at once and alone, and a busy platform pays for one transaction where it would
have paid for sixteen that wait for one another.

Whoever could not be placed together with others goes its own way, which finds out what there is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Final

import structlog

from broker.domain.attempt import Attempt
from broker.store.portions import Seen

TOGETHER_MAX: Final = 16
"""How many orders are placed at once at most: as many as the consumer handles side by side."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Newcomer:
    """An order that has come to a book, the message that asks for it, and who waits to hear whether it was placed."""

    attempt: Attempt
    seen: Seen
    context: Context = field(default_factory=copy_context)
    """Of the message: what is told of the order belongs to it, whoever tells it."""
    is_placed: "asyncio.Future[bool]" = field(default_factory=asyncio.Future)


Place = Callable[[Sequence[Newcomer]], Awaitable[Collection[Newcomer]]]
"""Places orders of one book and tells which of them are settled; when it raises, none is."""


class Pit:
    """Takes orders to books of ours, and has each placed with those that come to the same book meanwhile."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Newcomer]] = {}
        self._serving: set[asyncio.Task[None]] = set()

    async def enter(self, book: str, newcomer: Newcomer, place: Place) -> bool:
        """Have an order placed with those that wait for its book; False when it has to go its own way."""
        if book in self._waiting:
            self._waiting[book].append(newcomer)
        else:
            self._waiting[book] = [newcomer]
            # in nobody's context: what is done for many is part of no message's story
            serving = asyncio.create_task(self._serve(book, place), name=f"pit of {book}", context=Context())
            self._serving.add(serving)
            serving.add_done_callback(self._serving.discard)
        return await newcomer.is_placed

    async def _serve(self, book: str, place: Place) -> None:
        """Place whoever waits, in the order in which they came, until nobody does."""
        waiting = self._waiting[book]
        together: Sequence[Newcomer] = ()
        try:
            while waiting:
                # whoever waited may have been cancelled: the message comes again
                together = [each for each in waiting[:TOGETHER_MAX] if not each.is_placed.done()]
                del waiting[:TOGETHER_MAX]
                if together:
                    _tell(together, await _placed(together, place))
        finally:
            del self._waiting[book]
            _tell([*together, *waiting], ())


async def _placed(together: Sequence[Newcomer], place: Place) -> Collection[Newcomer]:
    try:
        return await place(together)
    except Exception as failed:  # noqa: BLE001 - each shows by itself whether it was to blame
        log.info("orders go their own way", error=repr(failed), count=len(together))
        return ()


def _tell(newcomers: Sequence[Newcomer], placed: Collection[Newcomer]) -> None:
    for each in newcomers:
        if not each.is_placed.done():
            each.is_placed.set_result(each in placed)
