"""The placer: what waits at the same time goes together, and everybody gets their own answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from kit import db
from kit.db import Database, Session
from kit.ids import new_id
from sqlalchemy import text
from trading import placer as of_placer
from trading.domain.order import Status
from trading.domain.request import AccountId
from trading.errors import AccountNotFound
from trading.placer import ENOUGH, Placer
from trading.usecases.place_in_account import Placed
from trading.usecases.place_together import Outcome, Wish, place_together
from trading.usecases.put_question import Asked

from services.trading.tests.builders import NOW, a_quote, limits
from services.trading.tests.desk import Desk, same_again

PEOPLE = 12
WAIT_SECONDS = 5


def asked(desk: Desk, bounds: dict[str, Any] | None = None, **changes: Any) -> Asked:
    request = desk.request(**({"quantity": Decimal(1)} | changes))
    return Asked(request=request, quote=a_quote(), limits=limits(**(bounds or {})), now=NOW)


async def a_crowd(database: Database) -> list[Desk]:
    return [await Desk.open(database) for _ in range(PEOPLE)]


@pytest.fixture
def portions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many went together, each time that some did."""
    sizes: list[int] = []

    async def noted(session: Session, wishes: Sequence[Wish]) -> list[Outcome]:
        sizes.append(len(wishes))
        return await place_together(session, wishes)

    monkeypatch.setattr(of_placer, "place_together", noted)
    return sizes


async def test_who_comes_when_it_is_quiet_goes_alone_and_who_comes_meanwhile_goes_together(
    database: Database, portions: list[int]
) -> None:
    crowd, placer = await a_crowd(database), Placer(database)
    first = await placer.place(crowd[0].owner, asked(crowd[0]))
    assert (first.order.status, portions) == (Status.SUBMITTED, [])
    went = await asyncio.gather(*(placer.place(desk.owner, asked(desk)) for desk in crowd))
    assert all(placed.order.is_open and not placed.replayed for placed in went)
    assert sorted(portions) == [PEOPLE - 1 - ENOUGH, ENOUGH], "one goes alone; when there is enough a second begins"
    assert (placer.under_way, placer.waiting, dict(placer.locked)) == (0, [], {})
    for desk in crowd:
        await desk.proves()


async def test_a_few_who_come_meanwhile_do_not_wait_until_they_are_enough(
    database: Database, portions: list[int]
) -> None:
    slow, *few, _ = (await a_crowd(database))[:5]
    placer = Placer(database)
    async with database.owned(slow.owner) as session:
        mine = text("SELECT FROM accounts WHERE owner_id = :owner FOR UPDATE")
        await session.execute(mine, {"owner": slow.owner})
        held_up = asyncio.create_task(placer.place(slow.owner, asked(slow)))
        await asyncio.sleep(0.05)
        went = await asyncio.wait_for(
            asyncio.gather(*(placer.place(desk.owner, asked(desk)) for desk in few)), WAIT_SECONDS
        )
        assert all(placed.order.is_open for placed in went)
        assert portions == [len(few)]
    assert (await held_up).order.is_open
    assert (placer.under_way, placer.waiting, placer.timer) == (0, [], None)


@pytest.mark.requirement("R-5")
async def test_orders_of_one_account_are_judged_one_after_the_other(database: Database, portions: list[int]) -> None:
    crowd, placer = await a_crowd(database), Placer(database)
    each = [desk for desk in crowd for _ in range(4)]
    went = await asyncio.gather(*(placer.place(desk.owner, asked(desk, {"open_orders_max": 3})) for desk in each))
    assert portions
    for number in range(PEOPLE):
        reasons = [placed.order.reason for placed in went[4 * number : 4 * number + 4]]
        assert sorted(reasons, key=str) == [None, None, None, "open_order_limit"]
        await crowd[number].proves()


@pytest.mark.requirement("R-1")
async def test_the_same_order_by_several_at_once_is_there_once(database: Database) -> None:
    desk, placer = await Desk.open(database), Placer(database)
    first = asked(desk)
    again = [Asked(request=same_again(first.request), quote=a_quote(), limits=limits(), now=NOW) for _ in range(5)]
    went = await asyncio.gather(*(placer.place(desk.owner, each) for each in (first, *again)))
    assert len({placed.order.id for placed in went}) == 1
    assert [placed.replayed for placed in went].count(False) == 1
    assert await desk.count("orders") == 1


@pytest.mark.requirement("R-11")
async def test_a_portion_that_fails_is_placed_one_by_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, placer = await a_crowd(database), Placer(database)

    async def broken(session: Session, wishes: Sequence[Wish]) -> list[Outcome]:
        await place_together(session, wishes)
        raise ZeroDivisionError

    monkeypatch.setattr(of_placer, "place_together", broken)
    went = await asyncio.gather(*(placer.place(desk.owner, asked(desk)) for desk in crowd))
    assert all(placed.order.is_open and not placed.replayed for placed in went)
    assert [await desk.count("orders") for desk in crowd] == [1] * PEOPLE
    assert placer.under_way == 0


@pytest.mark.requirement("R-2")
async def test_what_was_not_committed_is_nobodys_answer(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, placer, say = await a_crowd(database), Placer(database), db._say
    ended: list[str] = []

    async def ends_before_it(driver: Any, command: str) -> str:
        task = asyncio.current_task()
        if "COMMIT" in command and task in placer.portions and not ended:
            ended.append(command)
            assert task is not None
            task.cancel()  # the process is told to stop
            await asyncio.sleep(0)
        return await say(driver, command)

    monkeypatch.setattr(db, "_say", ends_before_it)
    went = await asyncio.gather(*(placer.place(desk.owner, asked(desk)) for desk in crowd))
    assert ended
    for desk, placed in zip(crowd, went, strict=True):
        assert await desk.order(placed.order.id) == placed.order
        assert await desk.count("orders") == 1
    assert (placer.under_way, dict(placer.locked)) == (0, {})


async def test_everybody_gets_their_own_error(database: Database) -> None:
    crowd, placer = await a_crowd(database), Placer(database)
    lost = asked(crowd[5])
    lost = replace(lost, request=same_again(lost.request, account_id=AccountId(new_id())))
    wishes = [lost if desk is crowd[5] else asked(desk) for desk in crowd]
    went = await asyncio.gather(
        *(placer.place(desk.owner, wish) for desk, wish in zip(crowd, wishes, strict=True)), return_exceptions=True
    )
    assert isinstance(went[5], AccountNotFound)
    assert all(isinstance(each, Placed) and each.order.is_open for each in (*went[:5], *went[6:]))
    assert placer.under_way == 0


@pytest.mark.parametrize("held", [(5,), (0, 1, 2), (0, 3, 7, 11)], ids=str)
async def test_accounts_that_somebody_holds_hold_up_nobody_else(database: Database, held: tuple[int, ...]) -> None:
    crowd, placer = await a_crowd(database), Placer(database)
    async with database.system() as session:
        these = text("SELECT FROM accounts WHERE owner_id = ANY(:owners) FOR UPDATE")
        await session.execute(these, {"owners": [crowd[number].owner for number in held]})
        tasks = [asyncio.create_task(placer.place(desk.owner, asked(desk))) for desk in crowd]
        done, waiting = await asyncio.wait(tasks, timeout=2)
        assert waiting == {tasks[number] for number in held}
    assert all([(await asyncio.wait_for(tasks[number], WAIT_SECONDS)).order.is_open for number in held])
    assert len(done) == PEOPLE - len(held)
    assert (placer.under_way, placer.waiting) == (0, [])


async def test_whoever_hangs_up_while_waiting_takes_nobody_along(database: Database) -> None:
    crowd = await a_crowd(database)
    for going_after in range(6):  # before it waits, while it waits, while it is placed, after
        placer = Placer(database)
        tasks = [asyncio.create_task(placer.place(desk.owner, asked(desk))) for desk in crowd]
        for _ in range(going_after):
            await asyncio.sleep(0.001)
        for task in tasks[::3]:
            task.cancel()
        went = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), WAIT_SECONDS)
        for number, each in enumerate(went):
            if number % 3:
                assert isinstance(each, Placed)
            else:
                assert isinstance(each, Placed | asyncio.CancelledError)
        await asyncio.wait_for(asyncio.gather(*placer.portions), WAIT_SECONDS)
        assert (placer.under_way, dict(placer.locked)) == (0, {})
    for desk in crowd:
        await desk.proves()
