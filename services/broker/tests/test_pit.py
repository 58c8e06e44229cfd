"""Who comes to a book while others are placed goes with those who came meanwhile; when it is quiet nobody waits."""

import asyncio
from collections.abc import Collection, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

import pytest
from broker.domain.attempt import Attempt, AttemptState
from broker.pit import TOGETHER_MAX, Newcomer, Pit
from broker.store.portions import Seen
from kit.clock import now
from kit.ids import new_id

from services.broker.tests.builders import an_order

STORY: ContextVar[str] = ContextVar("story", default="nobody's")


def a_newcomer() -> Newcomer:
    attempt = Attempt(an_order("005930"), "simulator", AttemptState.SENDING, None, new_id(), now())
    return Newcomer(attempt, Seen(new_id(), "broker"))


@dataclass
class Book:
    """Places everybody, as soon as it is open."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    placed: list[list[Newcomer]] = field(default_factory=list)
    stories: set[str] = field(default_factory=set)

    async def place(self, newcomers: Sequence[Newcomer]) -> Collection[Newcomer]:
        self.placed.append([*newcomers])
        self.stories.add(STORY.get())
        await self.open.wait()
        return newcomers


async def test_one_goes_at_once_and_those_who_come_meanwhile_go_together_in_the_order_they_came() -> None:
    pit, book = Pit(), Book()
    first, *others = [a_newcomer() for _ in range(TOGETHER_MAX + 3)]
    waiting = [asyncio.create_task(pit.enter("a book", first, book.place))]
    await asyncio.sleep(0.01)
    assert book.placed == [[first]]
    waiting += [asyncio.create_task(pit.enter("a book", each, book.place)) for each in others]
    await asyncio.sleep(0.01)
    assert len(book.placed) == 1
    book.open.set()
    assert all(await asyncio.gather(*waiting))
    assert book.placed == [[first], others[:TOGETHER_MAX], others[TOGETHER_MAX:]]


async def test_books_do_not_wait_for_one_another() -> None:
    pit, closed, opened = Pit(), Book(), Book()
    opened.open.set()
    waiting = asyncio.create_task(pit.enter("one", a_newcomer(), closed.place))
    assert await pit.enter("another", a_newcomer(), opened.place)
    closed.open.set()
    assert await waiting


async def test_whoever_was_not_placed_goes_its_own_way_and_the_next_are_placed() -> None:
    pit, book = Pit(), Book()
    book.open.set()
    wanted, unwanted = a_newcomer(), a_newcomer()

    async def raises(_: Sequence[Newcomer]) -> Collection[Newcomer]:
        raise ZeroDivisionError

    async def places_one(_: Sequence[Newcomer]) -> Collection[Newcomer]:
        return [wanted]

    assert await asyncio.gather(*(pit.enter("a book", a_newcomer(), raises) for _ in range(3))) == [False] * 3
    both = [pit.enter("a book", each, places_one) for each in (wanted, unwanted)]
    assert await asyncio.gather(*both) == [True, False]
    assert await pit.enter("a book", a_newcomer(), book.place)


async def test_whoever_is_cancelled_while_waiting_is_not_placed_and_harms_nobody() -> None:
    pit, book = Pit(), Book()
    newcomers = [a_newcomer() for _ in range(4)]
    waiting = [asyncio.create_task(pit.enter("a book", newcomers[0], book.place))]
    await asyncio.sleep(0.01)
    waiting += [asyncio.create_task(pit.enter("a book", each, book.place)) for each in newcomers[1:]]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    waiting[2].cancel()
    await asyncio.sleep(0.01)
    book.open.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in outcomes] == [True, False, True, False]
    assert book.placed == [[newcomers[0]], [newcomers[1], newcomers[3]]], "the first was being placed already"


async def test_when_placing_is_cancelled_nobody_waits_for_ever() -> None:
    pit, book = Pit(), Book()
    waiting = [asyncio.create_task(pit.enter("a book", a_newcomer(), book.place)) for _ in range(2)]
    await asyncio.sleep(0.01)
    waiting.append(asyncio.create_task(pit.enter("a book", a_newcomer(), book.place)))
    await asyncio.sleep(0.01)
    [serving] = pit._serving
    serving.cancel()
    assert await asyncio.gather(*waiting) == [False] * 3
    with pytest.raises(asyncio.CancelledError):
        await serving
    book.open.set()
    assert await pit.enter("a book", a_newcomer(), book.place)


async def test_what_is_done_for_many_is_part_of_nobodys_story() -> None:
    pit, book = Pit(), Book()
    book.open.set()
    STORY.set("mine")
    newcomer = a_newcomer()
    await pit.enter("a book", newcomer, book.place)
    assert book.stories == {"nobody's"}
    assert newcomer.context.run(STORY.get) == "mine"
