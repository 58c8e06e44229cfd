"""A cancel ends in canceled or cancel_rejected, once, whatever it races with."""

import asyncio

import pytest
from broker.adapters.port import Unreachable
from kit.consumer import Later

from services.broker.tests.builders import an_order, cancel_requested
from services.broker.tests.floor import Broken, Floor, Line, dying


async def test_what_is_open_is_canceled(floor: Floor) -> None:
    await floor.tape.quotes(ask_size="4")
    order = an_order(floor.tape.symbol, limit_price="70100")
    await floor.submit(order)
    await floor.cancel(order)
    assert await floor.said() == ["accepted", "executed", "canceled"]
    assert (await floor.facts())[-1][1]["canceled_quantity"] == "6"
    assert await floor.tick() == 0, "nothing is left in the book"


async def test_an_order_that_was_filled_before_cannot_be_canceled(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol)
    await floor.submit(order)
    await floor.cancel(order)
    name, data = (await floor.facts())[-1]
    assert (name, data["code"]) == ("cancel_rejected", "already_filled")


async def test_executions_nobody_has_heard_of_yet_are_announced_before_the_cancel(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await floor.tick(bid="69800", ask="69900", ask_size="3")
    await floor.cancel(order)
    await floor.hear()
    assert await floor.said() == ["accepted", "executed", "canceled"]
    assert (await floor.facts())[-1][1]["canceled_quantity"] == "7"


async def test_a_cancel_that_comes_before_the_order_waits_for_it(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    with pytest.raises(Later):
        await floor.cancel(order)
    await floor.submit(order)
    await floor.cancel(order)
    assert await floor.said() == ["accepted", "canceled"]


@pytest.mark.requirement("R-3")
async def test_a_cancel_of_an_order_in_doubt_waits_for_evidence(floor: Floor) -> None:
    line = Line(floor.simulator)
    floor.desk.connectors["simulator"] = line  # type: ignore[index]
    line.breaks_after = [Unreachable("reset")]
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    with pytest.raises(Later):
        await floor.cancel(order)


@pytest.mark.requirement("R-15")
async def test_a_repeated_cancel_message_is_announced_once(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    message = cancel_requested(order)
    await asyncio.gather(floor.deliver(message), floor.deliver(message))
    await floor.deliver(message)
    assert await floor.said() == ["accepted", "canceled"]


@pytest.mark.requirement("R-2", "R-23")
async def test_after_a_death_between_cancel_and_answer_the_cancel_is_announced_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    message, cancel = cancel_requested(order), floor.simulator.cancel

    async def dies(*arguments: object) -> None:
        await cancel(*arguments)  # type: ignore[arg-type]
        raise Broken

    monkeypatch.setattr(floor.simulator, "cancel", dies)
    with dying():
        await floor.deliver(message)
    monkeypatch.undo()
    await floor.deliver(message)
    assert await floor.said() == ["accepted", "canceled"]


async def test_a_second_request_to_cancel_is_told_that_it_is_too_late(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await floor.cancel(order)
    await floor.cancel(order)
    assert [name for name, _ in await floor.facts()] == ["accepted", "canceled", "cancel_rejected"]
    assert (await floor.facts())[-1][1]["code"] == "already_canceled"


async def test_a_rejected_order_has_nothing_to_cancel(floor: Floor) -> None:
    order = an_order(floor.tape.symbol)
    await floor.submit(order)
    await floor.cancel(order)
    name, data = (await floor.facts())[-1]
    assert (name, data["code"]) == ("cancel_rejected", "order_rejected")


@pytest.mark.requirement("R-2")
@pytest.mark.parametrize("_round", range(4))
async def test_a_cancel_racing_a_quote_leaves_every_share_either_traded_or_canceled(floor: Floor, _round: int) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await asyncio.gather(floor.cancel(order), floor.tick(bid="69800", ask="69900", ask_size="3"))
    await floor.hear()
    facts = await floor.facts()
    executed = sum(int(data["quantity"]) for name, data in facts if name == "executed")
    canceled = sum(int(data["canceled_quantity"]) for name, data in facts if name == "canceled")
    assert executed + canceled == 10
    assert [name for name, _ in facts][-1] == "canceled"
