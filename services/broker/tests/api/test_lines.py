"""Lines of connections: opened with the kept credentials, shut the moment the connection is taken away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from broker.adapters.line import Tokens
from broker.adapters.port import NotSent
from broker.brokers import Line
from broker.config import Settings
from broker.desk import Desk
from broker.domain.capabilities import refuse_beyond
from broker.domain.connection import Connection, ConnectionId, Secrets
from broker.domain.order import Accepted, CancelRefused, OrderIntent, OwnerId, Refused, Replacement, ReplaceRefused
from broker.lines import Lines
from broker.store import attempts, connections
from broker.token_room import TokenRoom
from broker.usecases import watch_connections as watch_connections_module
from broker.usecases.recover_attempts import recover_attempts
from broker.usecases.save_connection import save_connection
from broker.usecases.submit_order import submit_order
from broker.usecases.watch_connections import watch_connections
from broker.vault import Vault
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from kit.testing.tasks import ended
from quant.markets.sessions import Venue
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.builders import an_order
from services.broker.tests.conftest import VAULT_KEY
from services.broker.tests.emulated import Emulated, emulated

VAULT = Vault(VAULT_KEY)
SECRETS = Secrets({"app_key": "K" * 36, "app_secret": "S" * 36})


@pytest_asyncio.fixture
async def ls() -> AsyncIterator[Emulated]:
    async with emulated("ls") as running:
        yield running


@pytest_asyncio.fixture
async def lines(ls: Emulated, database: Database) -> AsyncIterator[Lines]:
    opened = lines_to(ls, database)
    yield opened
    await opened.close()


def lines_to(ls: Emulated, database: Database, venues: frozenset[Venue] | None = None) -> Lines:
    """Lines of a process whose list of brokers has this emulator."""
    line = Line(rest=ls.address, calls_per_second=100, venues=venues)
    tokens = Tokens(TokenRoom(database, VAULT), VAULT.print_of)
    return Lines(database, VAULT, {("ls", "paper"): line}, tokens, ls.clock)


async def saved(database: Database, **changes: str) -> OrderIntent:
    """An order of somebody who has just connected."""
    connection = Connection(
        id=ConnectionId(new_id()),
        owner=OwnerId(new_id()),
        broker=changes.get("broker", "ls"),
        environment="paper",
        name="Mine",
        account_hint="**01",
        created_at=now(),
    )
    async with database.owned(connection.owner) as session:
        await save_connection(session, VAULT, connection, SECRETS)
    return an_order(
        "005930", owner=connection.owner, connection_id=connection.id, broker=connection.broker, limit_price="69900"
    )


async def test_an_order_goes_to_its_connections_broker_with_its_keys(
    lines: Lines, ls: Emulated, database: Database
) -> None:
    order = await saved(database)
    assert order.connection_id is not None
    line = lines.of(order.owner, order.connection_id, "ls", "paper")
    assert isinstance(await line.submit(order, order.key), Accepted)
    assert [slip.symbol for slip in ls.slips] == ["005930"]
    assert lines.of(order.owner, order.connection_id, "ls", "paper") is line
    assert ls.app.state.tokens_issued == 1


@pytest.mark.requirement("R-53", "R-54")
async def test_a_connection_that_was_taken_away_opens_nothing_although_it_was_open(
    lines: Lines, ls: Emulated, database: Database
) -> None:
    order = await saved(database)
    assert order.connection_id is not None
    line = lines.of(order.owner, order.connection_id, "ls", "paper")
    assert isinstance(await line.submit(order, order.key), Accepted)
    async with database.owned(order.owner) as session:
        await connections.delete(session, order.owner, ConnectionId(order.connection_id))
    refusals = [
        await line.submit(order, order.key),
        await line.cancel(order, order.key, "1"),
        await line.replace(order, order.key, "1", Replacement(new_id(), order.quantity, order.limit_price)),
    ]
    assert [type(each) for each in refusals] == [Refused, CancelRefused, ReplaceRefused]
    assert {getattr(each, "code", None) for each in refusals} == {"connection_not_found"}
    with pytest.raises(NotSent):
        await line.find(order, order.key, ls.clock())
    assert [reports async for reports in line.reports()] == []
    assert len(ls.slips) == 1


@pytest.mark.requirement("R-4")
async def test_an_order_in_doubt_whose_connection_was_taken_away_waits_for_its_owner_who_is_told_what_to_do(
    lines: Lines, ls: Emulated, database: Database, redis: "Redis", settings: Settings
) -> None:
    desk = Desk(database, redis, {}, ls.clock, settings, lines)
    order = await saved(database)
    ls.faults.add("CSPAT00601", "reset_after")
    await submit_order(desk, order, None)
    async with database.owned(order.owner) as session:
        await connections.delete(session, order.owner, ConnectionId(order.connection_id))  # type: ignore[arg-type]
        assert await attempts.list_in_doubt(session, order.owner, 9) == []
    for _ in range(3):
        ls.clock.passes(20)
        await recover_attempts(desk, ls.clock())
    asked = text("SELECT type, data ->> 'text' AS text FROM events WHERE subject = :order ORDER BY position")
    async with database.system() as session:
        said = (await session.execute(asked, {"order": str(order.order_id)})).all()
        [waiting] = await attempts.list_in_doubt(session, order.owner, 9)
    assert [row.type.split(".")[2] for row in said] == ["unknown", "needs_human"], (
        "once, however often it is looked for"
    )
    assert "the connection of this order was deleted: look there yourself" in said[-1].text
    assert (waiting.state, len(ls.slips)) == ("unknown", 1)


@pytest.mark.requirement("R-53")
async def test_a_strangers_order_does_not_open_somebody_elses_connection(
    lines: Lines, ls: Emulated, database: Database
) -> None:
    mine = await saved(database)
    assert mine.connection_id is not None
    assert isinstance(await lines.of(mine.owner, mine.connection_id, "ls", "paper").submit(mine, mine.key), Accepted)
    order = replace(mine, owner=OwnerId(new_id()))
    answer = await lines.of(order.owner, mine.connection_id, "ls", "paper").submit(order, order.key)
    assert isinstance(answer, Refused)
    assert len(ls.slips) == 1


async def test_an_order_for_a_broker_that_nobody_knows_is_refused_before_it_is_sent(
    lines: Lines, database: Database
) -> None:
    order = replace(await saved(database), broker="nobody")
    assert order.connection_id is not None
    line = lines.of(order.owner, order.connection_id, "nobody", "paper")
    assert refuse_beyond(line.capabilities, order) is not None


async def test_a_venue_without_published_rules_is_open_only_if_the_operator_names_it(
    lines: Lines, ls: Emulated, database: Database
) -> None:
    order = replace(await saved(database), venue="NXT")
    assert order.connection_id is not None
    cautious = lines.of(order.owner, order.connection_id, "ls", "paper")
    refusal = refuse_beyond(cautious.capabilities, order)
    assert refusal is not None
    assert refusal.code == "order_type_not_allowed"
    bold = lines_to(ls, database, frozenset({"KRX", "NXT"}))
    line = bold.of(order.owner, order.connection_id, "ls", "paper")
    assert refuse_beyond(line.capabilities, order) is None
    assert isinstance(await line.submit(order, order.key), Accepted)
    assert [slip.venue for slip in ls.slips] == ["NXT"]
    await bold.close()


async def test_an_order_with_real_money_goes_through_no_connection_for_paper(
    lines: Lines, ls: Emulated, database: Database
) -> None:
    order = replace(await saved(database), account_kind="live")
    assert order.connection_id is not None
    line = lines.of(order.owner, order.connection_id, "ls", order.environment)
    assert refuse_beyond(line.capabilities, order) is not None
    with pytest.raises(NotSent):
        await line.submit(order, order.key)
    assert ls.slips == []


async def test_a_broker_this_process_may_not_reach_is_not_spoken_to(
    lines: Lines, database: Database, tmp_path: Path
) -> None:
    order = await saved(database, broker="alpaca")
    assert order.connection_id is not None
    with pytest.raises(NotSent, match="speaks to no paper environment of alpaca"):
        await lines.of(order.owner, order.connection_id, "alpaca", "paper").submit(order, order.key)


@pytest.mark.requirement("R-6", "R-53")
async def test_a_connection_in_use_is_heard_until_it_is_taken_away(
    lines: Lines, ls: Emulated, database: Database, redis: "Redis", settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_connections_module, "LOOK_SECONDS", 0.05)
    desk = Desk(database, redis, {}, ls.clock, settings, lines)
    order = await saved(database)
    await submit_order(desk, order, None)
    watching = asyncio.ensure_future(watch_connections(desk))
    ls.quotes(bid="69800", ask="69900", ask_size="4")
    filled = text("SELECT coalesce(sum(quantity), 0) FROM broker_executions WHERE order_id = :order")

    async def executed() -> int:
        async with database.system() as session:
            return int(await session.scalar(filled, {"order": order.order_id}) or 0)

    async with asyncio.timeout(60):
        while await executed() < 4:  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.05)
    async with database.owned(order.owner) as session:
        await connections.delete(session, order.owner, ConnectionId(order.connection_id))  # type: ignore[arg-type]
    async with asyncio.timeout(60):
        while lines._open:  # noqa: ASYNC110 - what we wait for is another task's doing
            await asyncio.sleep(0.05)
    asked = len(ls.app.state.calls)
    ls.quotes(bid="69800", ask="69900", ask_size="4")
    await asyncio.sleep(0.3)
    assert len(ls.app.state.calls) == asked, "nobody asks with keys that were taken away"
    await ended(watching)
    assert await executed() == 4
