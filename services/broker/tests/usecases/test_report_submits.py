"""Everything a broker was sent is reported once, whichever way it came there."""

import json

import pytest
from broker.usecases.report_submits import report_submits
from kit.ids import new_id
from sqlalchemy import text

from services.broker.tests.builders import an_order
from services.broker.tests.floor import Floor

BEGIN = text(
    "INSERT INTO attempts (order_id, owner_id, broker, state, intent, correlation_id, begun_at, looks, needs_human)"
    " VALUES (:id, :id, 'kis', 'sending', CAST(:intent AS jsonb), :id, now(), 0, false) RETURNING order_id"
)


async def reported(floor: Floor) -> list[tuple[str, str]]:
    await report_submits(floor.database)
    facts = [data for name, data in await floor.facts() if name == "broker.submits.reported"]
    return [(data["broker"], seen["order_id"]) for data in facts for seen in data["submits"]]


@pytest.mark.requirement("R-9")
async def test_an_order_is_reported_once_as_the_exchange_saw_it(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await floor.submit(order)
    assert await reported(floor) == [("simulator", str(order.order_id))]
    assert await reported(floor) == [("simulator", str(order.order_id))], "nothing is reported a second time"


@pytest.mark.requirement("R-9")
async def test_what_came_past_the_gate_is_reported_all_the_same(floor: Floor) -> None:
    await floor.tape.quotes()
    rogue = an_order(floor.tape.symbol, limit_price="69900")
    await floor.simulator.submit(rogue, rogue.key)
    assert await floor.count("attempts") == 0
    assert await reported(floor) == [("simulator", str(rogue.order_id))]


@pytest.mark.requirement("R-9")
async def test_an_order_that_commits_late_is_not_passed_over(floor: Floor) -> None:
    """Elsewhere than at the simulator our attempts count; one begun before the others may become visible after them."""
    intent = {"account_id": "a", "symbol": "005930", "side": "buy", "quantity": "1", "limit_price": None}
    given = {"intent": json.dumps(intent)}
    async with floor.database.system() as late:
        first = (await late.execute(BEGIN, given | {"id": new_id()})).scalar_one()
        async with floor.database.system() as session:
            second = (await session.execute(BEGIN, given | {"id": new_id()})).scalar_one()
        assert await reported(floor) == [("kis", str(second))]
    assert await reported(floor) == [("kis", str(second)), ("kis", str(first))]
