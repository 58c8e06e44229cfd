"""What happens to resting orders is heard once, in order, by whichever worker listens."""

import asyncio

import pytest
from broker.adapters.simulator.connector import Simulator
from broker.usecases.recover_attempts import recover_attempts
from kit.clock import now

from services.broker.tests.builders import an_order, submitted
from services.broker.tests.floor import Broken, Floor, Line, dying


async def test_a_resting_order_is_executed_when_the_market_comes_to_it(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    assert await floor.said() == ["accepted"]
    await floor.tick(bid="69800", ask="69900")
    await floor.hear()
    assert await floor.said() == ["accepted", "executed"]
    assert (await floor.facts())[-1][1]["price"] == "69900"


async def test_a_day_order_expires_with_its_session_after_what_it_traded(floor: Floor) -> None:
    await floor.tape.quotes(ask_size="4")
    order = an_order(floor.tape.symbol, limit_price="70100")
    await floor.submit(order)
    await floor.tick(session="closed")
    await floor.hear()
    assert await floor.said() == ["accepted", "executed", "expired"]
    assert (await floor.facts())[-1][1]["canceled_quantity"] == "6"


@pytest.mark.requirement("R-6")
async def test_reports_that_repeat_are_announced_once(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await floor.tick(bid="69800", ask="69900", ask_size="3")
    for _ in range(3):
        async with floor.database.system() as session:
            await session.exec_driver_sql("UPDATE sim_orders SET told_version = 0")
        await floor.hear()
    await floor.tick(bid="69800", ask="69900", ask_size="3")
    await floor.hear()
    assert await floor.said() == ["accepted", "executed", "executed"]


@pytest.mark.requirement("R-6", "R-15")
async def test_two_workers_that_listen_at_once_announce_once(floor: Floor) -> None:
    await floor.tape.quotes()
    orders = [an_order(floor.tape.symbol, limit_price="69900", quantity="1") for _ in range(5)]
    for order in orders:
        await floor.submit(order)
    quote = await floor.tape.quotes(bid="69800", ask="69900")
    await asyncio.gather(floor.simulator.apply(quote), floor.simulator.apply(quote))
    await asyncio.gather(floor.hear(), floor.hear())
    assert sorted(await floor.said()) == ["accepted"] * 5 + ["executed"] * 5


@pytest.mark.requirement("R-2", "R-6")
async def test_news_of_an_order_whose_answer_was_lost_is_its_answer(floor: Floor) -> None:
    line = Line(floor.simulator)
    floor.desk.connectors["simulator"] = line  # type: ignore[index]
    await floor.tape.quotes(ask_size="4")
    message = submitted(an_order(floor.tape.symbol, limit_price="70100"))
    line.breaks_after = [Broken()]
    with dying():
        await floor.deliver(message)
    floor.desk.connectors["simulator"] = line._connector  # type: ignore[index]
    await floor.tick(ask_size="100")
    await floor.hear()
    assert await floor.said() == ["executed", "executed"]
    await floor.deliver(message)
    await recover_attempts(floor.desk, now())
    assert await floor.said() == ["executed", "executed"]


async def test_a_restarted_worker_knows_every_resting_order(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    restarted = Simulator(floor.database, floor.tape.cache, now)
    await restarted.refresh_open_symbols()
    assert restarted.open_symbols == {floor.tape.symbol}
    floor.desk.connectors["simulator"] = restarted  # type: ignore[index]
    await floor.tick(bid="69800", ask="69900")
    await floor.hear()
    assert await floor.said() == ["accepted", "executed"]
