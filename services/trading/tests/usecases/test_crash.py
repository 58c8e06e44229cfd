"""Dying at every statement: before and after each, and around the commit, nothing is left half done or done twice."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from kit import db, sql
from kit.db import Database
from sqlalchemy import event, text
from trading.domain.order import Happening, Order
from trading.domain.replacement import Terms
from trading.errors import OrderNotReplaceable

from services.trading.tests.builders import a_fill, a_quote
from services.trading.tests.desk import Desk

POINTS_MAX = 100
ORDERS = text("SELECT status, side, quantity, filled_quantity, held FROM orders ORDER BY side, order_type, held")

Act = Callable[[], Awaitable[object]]


class Died(BaseException):
    """The process is gone: nothing after this line runs, and PostgreSQL ends what was open."""


@contextmanager
def dying(database: Database, monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[list[str]]:
    """Die at the `at`-th point; every statement and every commit has two of them, before and after."""
    points: list[str] = []

    def pass_point(name: str) -> None:
        points.append(name)
        if len(points) == at:
            raise Died(name)

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        pass_point(f"before {statement[:40]}")

    def after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        pass_point(f"after {statement[:40]}")

    say = db._say

    async def commit(driver: Any, command: str) -> str:
        if "COMMIT" not in command:
            return await say(driver, command)
        pass_point("before COMMIT")
        done = await say(driver, command)
        pass_point("after COMMIT")
        return done

    class Dying:
        """The driver's connection, as kit.sql runs statements on it."""

        def __init__(self, driver: Any) -> None:
            self._driver = driver

        def __getattr__(self, name: str) -> Any:
            run = getattr(self._driver, name)

            async def watched(statement: str, *given: Any, **options: Any) -> Any:
                before(None, None, statement)
                found = await run(statement, *given, **options)
                after(None, None, statement)
                return found

            return watched

    driver_of = sql.driver_of
    engine = database._app.sync_engine
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    with monkeypatch.context() as patched:
        patched.setattr(db, "_say", commit)
        patched.setattr(sql, "driver_of", lambda session: Dying(driver_of(session)))
        try:
            yield points
        finally:
            event.remove(engine, "before_cursor_execute", before)
            event.remove(engine, "after_cursor_execute", after)


async def state(desk: Desk) -> tuple[Any, ...]:
    """Everything that was committed, in words that do not depend on ids."""
    await desk.proves()
    async with desk.database.owned(desk.owner) as session:
        rows = await session.execute(ORDERS)
        return tuple(map(tuple, rows)), await desk.balance_figures(), tuple(await desk.announced())


async def placing(desk: Desk) -> Act:
    request = desk.request()
    return lambda: desk.submits(request)


async def being_denied(desk: Desk) -> Act:
    request = desk.request(quantity=Decimal(100_000))
    return lambda: desk.submits(request)


async def _accepted(desk: Desk, **changes: Any) -> Order:
    return await desk.hears(await desk.places(**changes), Happening.ACCEPTED)


async def canceling(desk: Desk) -> Act:
    order = await _accepted(desk)
    return lambda: desk.asks_to_cancel(order)


async def hearing_of_a_cancel(desk: Desk) -> Act:
    order = await _accepted(desk)
    return lambda: desk.hears(order, Happening.CANCELED)


async def replacing(desk: Desk) -> Act:
    order = await _accepted(desk)

    async def act() -> None:
        try:
            await desk.asks_to_replace(order, quantity=Decimal(12))
        except OrderNotReplaceable:
            assert (await desk.order(order.id)).replace_quantity == 12  # it was asked before the answer was lost

    return act


async def hearing_of_a_replacement(desk: Desk) -> Act:
    order = await _accepted(desk)
    asking = await desk.asks_to_replace(order, quantity=Decimal(12))
    assert asking.replace_id is not None
    terms = Terms(replace_id=asking.replace_id, quantity=Decimal(12), limit_price=asking.limit_price)
    return lambda: desk.hears_answer(order, terms.replace_id, terms)


async def filling(desk: Desk) -> Act:
    fill = a_fill(await _accepted(desk), quantity=Decimal(4))
    return lambda: desk.books(fill)


async def filling_a_bracket(desk: Desk) -> Act:
    fill = a_fill(await _accepted(desk, take_profit_price=Decimal(60_000), stop_loss_price=Decimal(54_000)))
    return lambda: desk.books(fill)


async def triggering(desk: Desk) -> Act:
    stop = await desk.places(order_type="stop", limit_price=None, stop_price=Decimal(57_000))
    return lambda: desk.sees(stop, a_quote(price=Decimal(57_000)))


async def halting(desk: Desk) -> Act:
    await _accepted(desk)
    await desk.places(order_type="stop", limit_price=None, stop_price=Decimal(57_000))
    return desk.halts


ACTS = [
    placing,
    being_denied,
    canceling,
    hearing_of_a_cancel,
    replacing,
    hearing_of_a_replacement,
    filling,
    filling_a_bracket,
    triggering,
    halting,
]


@pytest.mark.requirement("R-2", "R-12", "R-20")
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_it_happens_once_or_not_at_all(
    database: Database, monkeypatch: pytest.MonkeyPatch, act: Callable[[Desk], Awaitable[Act]]
) -> None:
    desk = await Desk.open(database)
    await (await act(desk))()
    expected = await state(desk)
    died_at: list[str] = []
    for at in range(1, POINTS_MAX):
        desk = await Desk.open(database)
        go = await act(desk)
        before = await state(desk)
        try:
            with dying(database, monkeypatch, at) as points:
                await go()
        except Died:
            died_at.append(points[-1])
        else:
            break
        between = await state(desk)
        assert between == (expected if points[-1] == "after COMMIT" else before), points[-1]
        await go()
        again = await state(desk)
        if act is halting:  # throwing a switch twice says so twice, and withdraws nothing more
            again = (*again[:2], tuple(dict.fromkeys(again[2])))
            assert again == (*expected[:2], tuple(dict.fromkeys(expected[2])))
        else:
            assert again == expected, points[-1]
    assert died_at[-1] == "after COMMIT"
    assert len(died_at) >= 8
