"""The simulator knows what certainly did not happen: only a lost commit leaves a doubt."""

import pytest
from broker.adapters.port import NotSent, Unreachable
from broker.adapters.simulator import books
from broker.adapters.simulator.connector import Simulator
from broker.domain.order import Absent
from kit.clock import now
from kit.db import Database, Session

from services.broker.tests.builders import an_order
from services.broker.tests.floor import Floor, Tape

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:9/none"


@pytest.mark.requirement("R-3")
async def test_without_books_an_order_is_certainly_not_sent(tape: Tape) -> None:
    await tape.quotes()
    cut_off = Database(NOWHERE, NOWHERE)
    order = an_order(tape.symbol)
    with pytest.raises(NotSent):
        await Simulator(cut_off, tape.cache, now).submit(order, order.key)
    await cut_off.close()


@pytest.mark.requirement("R-3")
@pytest.mark.parametrize("is_written", [False, True])
async def test_a_connection_lost_at_the_commit_leaves_a_doubt_and_one_lost_before_does_not(
    floor: Floor, database: Database, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    await floor.tape.quotes()
    write = books.write_trades

    async def loses_the_line(session: Session, *rest: object) -> int | None:
        process = (await session.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
        sequence = await write(session, *rest) if is_written else None  # type: ignore[arg-type]
        async with database.system() as other:
            await other.exec_driver_sql(f"SELECT pg_terminate_backend({process}, 5000)")
        return sequence if is_written else await write(session, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(books, "write_trades", loses_the_line)
    order = an_order(floor.tape.symbol)
    with pytest.raises(Unreachable if is_written else NotSent):
        await floor.simulator.submit(order, order.key)
    assert await floor.simulator.find(order, order.key, now()) == Absent()
