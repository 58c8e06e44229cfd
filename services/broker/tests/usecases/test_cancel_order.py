"""A cancel ends in canceled or cancel_rejected, once, whatever it races with."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from broker.adapters.port import Unreachable
from kit.clock import now
from kit.consumer import Later

from services.broker.tests.builders import a_message, an_order, cancel_requested, submitted
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


@pytest.mark.requirement("R-10")
async def test_a_cancel_that_comes_before_the_order_sees_to_it_that_it_is_never_sent(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.cancel(order)
    assert await floor.said() == ["canceled"]
    assert (await floor.facts())[-1][1]["canceled_quantity"] == "10"
    await floor.submit(order)
    assert await floor.said() == ["canceled"], "it came too late"
    assert await floor.count("sim_orders") == 0, "the exchange has never heard of it"


@pytest.mark.requirement("R-10")
async def test_a_cancel_and_its_order_at_once_end_in_one_of_two_ways(floor: Floor) -> None:
    await floor.tape.quotes()
    for _ in range(20):
        order = an_order(floor.tape.symbol, limit_price="69900")
        outcomes = await asyncio.gather(floor.submit(order), floor.cancel(order), return_exceptions=True)
        assert not any(isinstance(each, Exception) and not isinstance(each, Later) for each in outcomes), outcomes
        if any(isinstance(each, Later) for each in outcomes):
            await floor.cancel(order)
        said = [name for name, data in await floor.facts() if data["order_id"] == str(order.order_id)]
        assert said in (["canceled"], ["accepted", "canceled"])


@pytest.mark.requirement("R-59")
async def test_after_a_restore_a_cancel_that_comes_before_its_order_waits_for_evidence(floor: Floor) -> None:
    """The order may be at its broker: saying that it was never sent could be a lie."""
    line = Line(floor.simulator)
    floor.desk.connectors["simulator"] = line  # type: ignore[index]
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await line.submit(order, order.key)  # the world did it, and the backup forgot
    message = submitted(order)
    restored = floor.desk.settings.model_copy(update={"restored_at": message.time + timedelta(seconds=1)})
    floor.desk = replace(floor.desk, settings=restored)
    with pytest.raises(Later):
        await floor.cancel(order)
    assert await floor.said() == []
    await floor.deliver(message)
    await floor.cancel(order)
    assert line.sent == [order.key], "once, before the restore"
    assert await floor.said() == ["accepted", "canceled"]


@pytest.mark.requirement("R-10", "R-59")
async def test_long_after_a_restore_a_cancel_overtakes_its_order_as_before(floor: Floor) -> None:
    restored = floor.desk.settings.model_copy(update={"restored_at": now() - timedelta(minutes=1)})
    floor.desk = replace(floor.desk, settings=restored)
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.cancel(order)
    assert await floor.said() == ["canceled"], "it is never sent"


async def test_a_cancel_in_the_words_of_an_older_version_waits_for_its_order(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    old = a_message("trading.order.cancel_requested.v1", order, {"order_id": str(order.order_id)})
    with pytest.raises(Later):
        await floor.deliver(old)
    await floor.submit(order)
    await floor.deliver(old)
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
