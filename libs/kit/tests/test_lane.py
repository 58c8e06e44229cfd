"""A lane hands out what waits of one owner together, and lets nobody wait for company that would be of no use."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from kit import consumer
from kit.consumer import Lane

GATHER_SECONDS = 0.2


def a_message(kind: str, owner: str) -> Any:
    properties = SimpleNamespace(headers={"owner": owner})
    return SimpleNamespace(routing_key=kind, header=SimpleNamespace(properties=properties))


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Lane:
    monkeypatch.setattr(consumer, "GATHER_SECONDS", GATHER_SECONDS)
    return Lane({"alone"})


async def _taken(lane: Lane, kind: str) -> tuple[list[str], float]:
    """What an idle lane hands out when two of an owner come 20 ms apart, and seconds from the first to that."""
    taking = asyncio.create_task(lane.take())
    await asyncio.sleep(0)
    began = asyncio.get_running_loop().time()
    lane.put(a_message(kind, "anna"))
    asyncio.get_running_loop().call_later(0.02, lane.put, a_message(kind, "anna"))
    batch = await taking
    return [str(message.routing_key) for message in batch], asyncio.get_running_loop().time() - began


async def test_an_idle_lane_waits_a_moment_for_what_was_announced_together(lane: Lane) -> None:
    batch, waited = await _taken(lane, "shared")
    assert batch == ["shared", "shared"]
    assert waited >= GATHER_SECONDS


async def test_a_message_that_shares_no_transaction_waits_for_no_company(lane: Lane) -> None:
    batch, waited = await _taken(lane, "alone")
    assert batch == ["alone"]
    assert waited < GATHER_SECONDS / 2
