"""The fault matrix: twelve ways in which a broker or its line misbehaves, and the end each must have, per connector."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, get_args

import pytest
import pytest_asyncio
from broker.adapters.port import Report
from broker.config import Settings
from broker.domain.attempt import AttemptState
from emulators.faults import Fault
from kit.db import Database
from kit.testing.tasks import ended
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.emulated import KINDS, emulated
from services.broker.tests.remote import RemoteFloor

EXPECTED = {True: ["unknown", "accepted"], False: ["unknown", "rejected:not_placed"]}
OVER_A_MINUTE = 5
LOOKS_AND_MORE = 4
"""As many as would prove an absence, and one more; with another the line would be left alone for a while."""


@pytest_asyncio.fixture(params=sorted(KINDS))
async def floor(
    request: pytest.FixtureRequest, database: Database, redis: "Redis", settings: Settings
) -> AsyncIterator[RemoteFloor]:
    async with database.system() as session:  # these tests share a database, and the recovery looks after everybody
        await session.execute(text("UPDATE attempts SET needs_human = true"))
    async with emulated(request.param) as running:
        yield RemoteFloor.over(running, database, redis, settings)


def breaks(floor: RemoteFloor, fault: Fault, times: int = 1, *, at_list: bool = False) -> None:
    assert fault in get_args(Fault)
    kind = floor.emulated.kind
    floor.emulated.faults.add(kind.list_call if at_list else kind.order_call, fault, times)


async def take(floor: RemoteFloor) -> Sequence[Report]:
    """The next batch of news, settled and taken."""
    stream = floor.connector.reports()
    reports = await asyncio.wait_for(anext(stream), 30)
    await floor.hears(reports)
    asking = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.1)
    await ended(asking)
    await stream.aclose()
    return reports


async def resolved(floor: RemoteFloor, fault: Fault, **changes: Any) -> tuple[list[str], int]:
    """What is said of an order that met a fault, after time to look; and how many orders the house took."""
    breaks(floor, fault)
    order = floor.order(**changes)
    await floor.submit(order)
    await floor.looks(OVER_A_MINUTE)
    return await floor.said(order), len(floor.placed())


def ends(floor: RemoteFloor, *, placed: bool) -> tuple[list[str], int]:
    """How an order in doubt must end: where absence is certain it is sent once more, under its own key."""
    if floor.emulated.kind.able.absence_is_certain:
        return ["unknown", "accepted"], 1
    return EXPECTED[placed], int(placed)


@pytest.mark.requirement("R-3", "R-27")
async def test_fm_01_no_answer_after_it_was_taken_ends_as_taken_once(floor: RemoteFloor) -> None:
    assert await resolved(floor, "hang_after") == ends(floor, placed=True)


@pytest.mark.requirement("R-3", "R-27")
async def test_fm_02_no_answer_before_it_was_taken_ends_as_not_placed_or_sent_once(floor: RemoteFloor) -> None:
    assert await resolved(floor, "hang_before") == ends(floor, placed=False)


@pytest.mark.requirement("R-3", "R-27")
@pytest.mark.parametrize("fault", ["reset_before", "reset_after"])
async def test_fm_03_a_line_that_breaks_leaves_a_doubt_that_the_list_ends(floor: RemoteFloor, fault: Fault) -> None:
    assert await resolved(floor, fault) == ends(floor, placed=fault == "reset_after")


@pytest.mark.requirement("R-3", "R-24", "R-27")
@pytest.mark.parametrize("fault", ["server_error", "html", "empty", "ledger_timeout"])
async def test_fm_04_an_answer_that_says_nothing_certain_is_no_refusal(floor: RemoteFloor, fault: Fault) -> None:
    assert await resolved(floor, fault) == ends(floor, placed=fault == "ledger_timeout")


@pytest.mark.requirement("R-27")
async def test_fm_05_an_order_turned_away_by_the_limit_is_tried_again_and_taken_once(floor: RemoteFloor) -> None:
    breaks(floor, "rate_limit", 2)
    order = floor.order()
    while not await floor.submit(order):
        floor.emulated.clock.passes(1)
    assert (await floor.said(order), len(floor.placed())) == (["accepted"], 1)


@pytest.mark.requirement("R-27")
async def test_fm_06_a_token_that_ends_in_the_middle_doubles_nothing_and_is_replaced(floor: RemoteFloor) -> None:
    first, second = floor.order(), floor.order(limit_price="69800")
    await floor.submit(first)
    breaks(floor, "token_expired")
    while not await floor.submit(second):
        floor.emulated.clock.passes(1)
    assert len(floor.placed()) <= 2
    floor.emulated.clock.passes(61)
    third = floor.order(limit_price="69700")
    while not await floor.submit(third):
        floor.emulated.clock.passes(1)
    assert await floor.said(first) == await floor.said(third) == ["accepted"]
    state = (await floor.attempt(second)).state
    assert state in {AttemptState.ACCEPTED, AttemptState.REJECTED}
    assert len(floor.placed()) == 2 + (state is AttemptState.ACCEPTED)


@pytest.mark.requirement("R-6", "R-27")
async def test_fm_07_a_fill_that_is_told_again_and_again_counts_once(floor: RemoteFloor) -> None:
    order = floor.order()
    await floor.submit(order)
    floor.emulated.quotes(bid="69800", ask="69900", ask_size="3")
    reports = await take(floor)
    for _ in range(3):
        await floor.hears(reports)
    floor.restarts()
    await take(floor)
    assert await floor.executed(order) == [3]


@pytest.mark.requirement("R-6", "R-27")
async def test_fm_08_a_fill_that_is_known_before_the_answer_counts_once(floor: RemoteFloor) -> None:
    breaks(floor, "reset_after")
    order = floor.order(limit_price="70100")
    await floor.submit(order)
    await floor.looks()
    await take(floor)
    assert await floor.said(order) == ["unknown", "executed"]
    assert await floor.executed(order) == [10]


@pytest.mark.requirement("R-6", "R-27")
async def test_fm_09_a_list_older_than_the_last_one_takes_nothing_back(floor: RemoteFloor) -> None:
    order = floor.order()
    await floor.submit(order)
    connector = floor.connector
    await connector.find(order, order.key, floor.emulated.clock())
    floor.emulated.quotes(bid="69800", ask="69900", ask_size="3")
    now = await connector.find(order, order.key, floor.emulated.clock())
    breaks(floor, "stale_list", at_list=True)
    floor.emulated.quotes(bid="69800", ask="69900", ask_size="4")
    old = await connector.find(order, order.key, floor.emulated.clock())
    newest = await connector.find(order, order.key, floor.emulated.clock())
    await floor.hears([Report(order.key, each) for each in (now, newest, old, newest)])  # type: ignore[arg-type]
    assert sum(await floor.executed(order)) == 7


@pytest.mark.requirement("R-4", "R-27")
async def test_fm_10_half_a_list_is_no_evidence_that_an_order_is_absent(floor: RemoteFloor) -> None:
    breaks(floor, "reset_after")
    order = floor.order()
    await floor.submit(order)
    breaks(floor, "html", LOOKS_AND_MORE, at_list=True)
    await floor.looks(LOOKS_AND_MORE)
    assert await floor.said(order) == ["unknown"]
    floor.emulated.faults.clear()
    await floor.looks()
    assert (await floor.said(order), len(floor.placed())) == (["unknown", "accepted"], 1)


@pytest.mark.requirement("R-4", "R-6", "R-27")
async def test_fm_11_a_number_that_comes_again_the_next_day_is_another_order(floor: RemoteFloor) -> None:
    yesterday = floor.order()
    await floor.submit(yesterday)
    floor.emulated.clock.passes(24 * 60 * 60)
    floor.emulated.house.new_day()
    floor.emulated.house.list_symbol(floor.emulated.kind.symbol, floor.emulated.money("70000"))
    floor.emulated.quotes()
    floor.restarts()
    today = floor.order(limit_price="70100")
    await floor.submit(today)
    await take(floor)
    assert await floor.executed(yesterday) == []
    assert await floor.executed(today) == [10]


@pytest.mark.requirement("R-27")
async def test_fm_12_what_traded_while_nobody_listened_is_told_once_the_line_is_back(floor: RemoteFloor) -> None:
    order = floor.order()
    await floor.submit(order)
    floor.emulated.quotes(bid="69800", ask="69900", ask_size="4")
    floor.restarts()
    kind = floor.emulated.kind
    floor.emulated.faults.add(kind.report_call or kind.list_call, "reset_before")
    floor.emulated.quotes(bid="69800", ask="69900", ask_size="100")
    await take(floor)
    assert sum(await floor.executed(order)) == 10
    assert "executed" in await floor.said(order)
