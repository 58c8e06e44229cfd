"""Streams: news arrives long before the next poll, and what was told while nobody listened is found all the same."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from broker.adapters.drift import Drift, Drifts
from broker.adapters.port import Report
from broker.domain.order import Accepted, ClientKey
from broker.usecases.announce_drifts import announce_drifts
from kit.db import Database
from kit.testing.tasks import ended
from sqlalchemy import text

from services.broker.tests.builders import an_order
from services.broker.tests.emulated import KINDS, Emulated, emulated

NEVER = 600.0
STREAMING = sorted(name for name, kind in KINDS.items() if kind.listen is not None)


@asynccontextmanager
async def listening(running: Emulated) -> AsyncIterator["asyncio.Queue[Report]"]:
    """Reports of a connector that polls so rarely that only its stream can tell."""
    assert running.kind.listen is not None
    connector = running.kind.listen(running, NEVER)
    heard: asyncio.Queue[Report] = asyncio.Queue()

    async def listen() -> None:
        async for reports in connector.reports():
            for report in reports:
                heard.put_nowait(report)

    task = asyncio.ensure_future(listen())
    try:
        yield heard
    finally:
        await ended(task)


async def placed(running: Emulated) -> Accepted:
    [market] = running.kind.able.markets
    order = an_order(running.kind.symbol, market=market, limit_price=running.money("69900"))
    answer = await running.connector().submit(order, order.key)
    assert isinstance(answer, Accepted)
    running.known[answer.broker_order_id] = order.key
    return answer


def filled(report: Report) -> int:
    if report.news.progress is not None:
        return int(report.news.progress.quantity)
    return int(sum(each.quantity for each in report.news.executions))


@pytest.mark.requirement("R-6", "R-27")
@pytest.mark.parametrize("broker", STREAMING)
async def test_a_notice_makes_the_list_be_read_at_once(broker: str) -> None:
    async with emulated(broker) as running, listening(running) as heard:
        await placed(running)
        assert filled(await asyncio.wait_for(heard.get(), 30)) == 0
        running.quotes(bid="69800", ask="69900", ask_size="4")
        assert filled(await asyncio.wait_for(heard.get(), 30)) == 4


@pytest.mark.requirement("R-6", "R-27")
@pytest.mark.parametrize("broker", sorted(set(STREAMING) - {"alpaca"}))
async def test_an_order_that_is_listed_before_its_number_is_written_down_is_told_soon_after(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []
    async with emulated(broker) as running:
        written_down = running.keys_of

        async def keys_of(numbers: Sequence[str]) -> Mapping[str, ClientKey]:
            asked.append(numbers)
            return await written_down(numbers) if len(asked) > 2 else {}

        monkeypatch.setattr(running, "keys_of", keys_of)
        async with listening(running) as heard:
            await placed(running)
            assert filled(await asyncio.wait_for(heard.get(), 30)) == 0
    assert len(asked) > 2


@pytest.mark.requirement("R-6", "R-27")
@pytest.mark.parametrize("broker", STREAMING)
async def test_a_notice_that_comes_twice_tells_nothing_twice_and_a_lost_one_is_made_up_for(broker: str) -> None:
    async with emulated(broker) as running, listening(running) as heard:
        await placed(running)
        await asyncio.wait_for(heard.get(), 30)
        running.faults.add("stream", "notice_lost")
        running.quotes(bid="69800", ask="69900", ask_size="4")
        running.faults.add("stream", "notice_twice")
        running.quotes(bid="69800", ask="69900", ask_size="2")
        assert filled(await asyncio.wait_for(heard.get(), 30)) == 6
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(heard.get(), 0.5)


@pytest.mark.requirement("R-27")
@pytest.mark.parametrize("broker", STREAMING)
async def test_after_the_line_was_lost_the_list_is_read_before_anything_is_told(broker: str) -> None:
    async with emulated(broker) as running:
        await placed(running)
        running.quotes(bid="69800", ask="69900", ask_size="4")
        async with listening(running) as heard:
            assert filled(await asyncio.wait_for(heard.get(), 30)) == 4


@pytest.mark.requirement("R-27")
@pytest.mark.parametrize("fault", ["grown_frame", "shrunk_frame"])
@pytest.mark.parametrize("broker", STREAMING)
async def test_a_frame_that_has_grown_or_shrunk_is_read_all_the_same_and_raises_the_alarm_once(
    broker: str, fault: Literal["grown_frame", "shrunk_frame"], monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms = Drifts()
    monkeypatch.setattr(
        f"broker.adapters.{'kis.notices' if broker.startswith('kis') else broker + '.connector'}.drifts", alarms
    )
    async with emulated(broker) as running, listening(running) as heard:
        await placed(running)
        await asyncio.wait_for(heard.get(), 30)
        running.quotes(bid="69800", ask="69900", ask_size="1")
        assert filled(await asyncio.wait_for(heard.get(), 30)) == 1
        assert alarms.take() == []
        for shares in (2, 3):
            running.faults.add("stream", fault)
            running.quotes(bid="69800", ask="69900", ask_size="1")
            assert filled(await asyncio.wait_for(heard.get(), 30)) == shares
        [alarm] = alarms.take()
        assert (alarm.broker, alarm.fields - alarm.before) == (
            broker.removesuffix("_us"),
            1 if fault == "grown_frame" else -1,
        )


@pytest.mark.requirement("R-27")
async def test_the_alarm_is_announced(database: Database) -> None:
    async with database.system() as session:
        await announce_drifts(session, [Drift("ls", "SC1", 120, 119)])
        said = await session.scalar(text("SELECT data FROM events WHERE type = 'broker.frames.drifted.v1'"))
    assert said == {"broker": "ls", "frame": "SC1", "fields": 120, "before": 119}
