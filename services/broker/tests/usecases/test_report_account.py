"""Accounts read at their brokers: whole or not at all, strangers told from ours, and announced only when it is news."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from broker.adapters.port import LineFailure, Remote
from broker.config import Settings
from broker.domain.account_report import is_due
from broker.domain.attempt import AttemptState
from broker.domain.order import OwnerId
from broker.usecases.adopt_order import Adoption, adopt_order
from broker.usecases.reconcile_accounts import reconcile_accounts
from broker.usecases.report_account import Outcome, Reading, Whose, report_account
from emulators.house import Slip
from kit.db import Database
from kit.events import Envelope
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.builders import a_message
from services.broker.tests.emulated import KINDS, SHOWN, emulated
from services.broker.tests.remote import RemoteFloor

ANNOUNCED = text(
    "SELECT data FROM events WHERE type = 'broker.account.reported.v1' AND owner_id = :owner ORDER BY position"
)
ROWS = text(
    "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM attempts)"
    " + (SELECT count(*) FROM broker_executions) + (SELECT count(*) FROM account_reports)"
)


@dataclass
class Books:
    """One connection's account: the floor it trades on, and reports of it."""

    floor: RemoteFloor

    async def read(self) -> Reading:
        remote: Remote = self.floor.connector  # type: ignore[assignment]  # every emulated broker keeps accounts
        whose = Whose(OwnerId(self.floor.account["owner"]), self.floor.connection, remote)
        return await report_account(self.floor.database, whose, self.floor.emulated.clock())

    async def announced(self) -> list[dict[str, Any]]:
        async with self.floor.database.system() as session:
            return [row.data for row in await session.execute(ANNOUNCED, {"owner": self.floor.account["owner"]})]

    async def rows(self) -> int:
        async with self.floor.database.system() as session:
            return int(await session.scalar(ROWS) or 0)

    async def elsewhere(self) -> Slip:
        """The owner buys three shares with the broker's own app; the order waits."""
        await self.floor.connector.balance()  # type: ignore[attr-defined]  # that a broker has an account
        running = self.floor.emulated
        kind, price = running.kind, running.money("69900")
        taken = running.house.take_from_its_own_app(kind.symbol, "buy", Decimal(3), price, kind.limit)
        assert isinstance(taken, Slip), taken
        return taken


@pytest_asyncio.fixture(params=sorted(KINDS))
async def books(
    request: pytest.FixtureRequest, database: Database, redis: "Redis", settings: Settings
) -> AsyncIterator[Books]:
    async with emulated(request.param) as running:
        yield Books(RemoteFloor.over(running, database, redis, settings, timeout_seconds=5))


@pytest.mark.requirement("R-22")
async def test_an_account_is_announced_once_and_again_only_when_it_is_news(books: Books) -> None:
    order = books.floor.order(limit_price=SHOWN["ask"])
    await books.floor.submit(order)
    first = await books.read()
    before = await books.rows()
    again = [(await books.read()).outcome for _ in range(2)]
    assert (first.outcome, again) == (Outcome.ANNOUNCED, [Outcome.UNCHANGED, Outcome.UNCHANGED])
    assert await books.rows() == before
    [told] = await books.announced()
    [mine] = told["orders"]
    assert (mine["order_id"], mine["filled_quantity"], mine["is_open"]) == (str(order.order_id), "10", False)
    assert [(held["symbol"], held["quantity"]) for held in told["holdings"]] == [(order.symbol, "10")]
    [execution] = told["executions"]
    assert execution["order_id"] == str(order.order_id)
    assert Decimal(execution["quantity"]) * Decimal(execution["price"]) == Decimal(mine["filled_value"])


@pytest.mark.requirement("R-22")
async def test_a_fill_that_no_report_told_is_announced_before_the_account_is(books: Books) -> None:
    order = books.floor.order()
    await books.floor.submit(order)
    books.floor.emulated.quotes(ask="69900", bid="69800")
    assert await books.floor.executed(order) == []
    assert (await books.read()).outcome is Outcome.ANNOUNCED
    assert sum(await books.floor.executed(order)) == 10
    assert (await books.floor.said(order))[-1] == "executed"


@pytest.mark.requirement("R-22")
async def test_a_stranger_is_told_as_one_and_followed_once_it_is_adopted(books: Books) -> None:
    slip = await books.elsewhere()
    seen = await books.read()
    assert (seen.outcome, seen.strangers) == (Outcome.ANNOUNCED, 1)
    [told] = await books.announced()
    [stranger] = told["orders"]
    assert (stranger["order_id"], stranger["is_open"]) == (None, True)
    adopted = books.floor.order(quantity=str(slip.quantity), limit_price=None)
    adopted = replace(adopted, order_type="limit", limit_price=slip.price)
    for is_first in (True, False):
        async with books.floor.database.system() as session:
            adoption = Adoption(adopted, stranger["broker_order_id"])
            assert await adopt_order(session, adoption, books.floor.emulated.clock()) is is_first
    books.floor.emulated.quotes(ask="69900", bid="69800")
    again = await books.read()
    assert (again.outcome, again.strangers) == (Outcome.ANNOUNCED, 0)
    assert sum(await books.floor.executed(adopted)) == slip.quantity


@pytest.mark.requirement("R-4", "R-22")
async def test_an_order_of_ours_in_doubt_is_never_taken_for_a_stranger(books: Books) -> None:
    books.floor.emulated.faults.add(books.floor.emulated.kind.order_call, "reset_after")
    order = books.floor.order()
    await books.floor.submit(order)
    assert (await books.floor.attempt(order)).state is AttemptState.UNKNOWN
    seen = await books.read()
    assert (seen.outcome, seen.strangers) == (Outcome.IN_DOUBT, 0)
    assert await books.announced() == []


@pytest.mark.requirement("R-22")
@pytest.mark.parametrize("fault", ["html", "server_error", "reset_before"])
async def test_a_question_without_an_answer_is_no_empty_account(books: Books, fault: str) -> None:
    await books.floor.submit(books.floor.order(limit_price=SHOWN["ask"]))
    assert (await books.read()).outcome is Outcome.ANNOUNCED
    books.floor.emulated.faults.add("*", fault, times=1)  # type: ignore[arg-type]
    with pytest.raises(LineFailure):
        await books.read()
    assert len(await books.announced()) == 1


@pytest.mark.parametrize("happened", ["opened", "mismatched"])
async def test_an_account_that_was_opened_or_found_different_is_announced_again(books: Books, happened: str) -> None:
    assert (await books.read()).outcome is Outcome.ANNOUNCED
    order = books.floor.order()
    found: dict[str, Any] = {"connection_id": str(books.floor.connection)}
    message: Envelope = a_message(f"trading.account.{happened}.v1", order, found)
    assert await books.floor.deliver(message)
    assert (await books.read()).outcome is Outcome.ANNOUNCED


async def test_accounts_are_read_when_they_are_due_and_a_silent_broker_holds_up_nobody(books: Books) -> None:
    floor = books.floor
    await _connects(floor)
    read: dict[Any, datetime] = {}
    floor.emulated.faults.add("*", "html", times=1)
    await reconcile_accounts(floor.desk, read)
    assert await books.announced() == []
    floor.emulated.clock.passes(61)
    await reconcile_accounts(floor.desk, read)
    assert len(await books.announced()) == 1
    await books.elsewhere()
    for seconds, count in ((120, 1), (181, 2)):
        floor.emulated.clock.passes(seconds)
        await reconcile_accounts(floor.desk, read)
        assert len(await books.announced()) == count


async def test_credentials_that_are_refused_are_told_once_and_again_when_they_were_good_in_between(
    database: Database, redis: "Redis", settings: Settings
) -> None:
    told = text("SELECT data FROM events WHERE type = 'broker.connection.refused.v1' AND owner_id = :owner")
    async with emulated("kis") as running:
        books = Books(RemoteFloor.over(running, database, redis, settings, timeout_seconds=5))
        await _connects(books.floor)
        read: dict[Any, datetime] = {}
        gate = running.app.state.gate
        refusals = []
        another = {"another": "key"}
        for keys in (another, another, {}, another, another):  # the fourth time it is the token that ends first
            gate.keys = keys
            gate.tokens.clear()
            running.clock.passes(301)
            await reconcile_accounts(books.floor.desk, read)
            async with database.system() as session:
                found = await session.execute(told, {"owner": books.floor.account["owner"]})
                refusals.append([row.data["connection_id"] for row in found])
        mine = str(books.floor.connection)
        assert refusals == [[mine], [mine], [mine], [mine], [mine, mine]]
        assert len(await books.announced()) == 1, "read in between"


async def _connects(floor: RemoteFloor) -> None:
    """The floor's connection is one that people have; no others are left from other tests."""
    row = {
        "id": floor.connection,
        "owner_id": floor.account["owner"],
        "broker": floor.emulated.kind.able.broker,
        "at": floor.emulated.clock(),
    }
    async with floor.database.system() as session:
        await session.execute(text("DELETE FROM connections"))
    async with floor.database.owned(floor.account["owner"]) as session:
        await session.execute(
            text(
                "INSERT INTO connections (id, owner_id, broker, environment, name, account_hint, created_at)"
                " VALUES (:id, :owner_id, :broker, 'paper', 'Mine', '**01', :at)"
            ),
            row,
        )


class TestWhenAnAccountIsRead:
    """Moments of Tuesday, 24 November 2026, in Korea."""

    OPEN = datetime.fromisoformat("2026-11-24T10:00:00+09:00")
    CLOSED = datetime.fromisoformat("2026-11-24T15:40:00+09:00")

    def test_at_start_and_every_five_minutes_in_session(self) -> None:
        assert is_due("KRX", None, self.OPEN, is_asked_for=False)
        assert not is_due("KRX", self.OPEN, self.OPEN + timedelta(seconds=299), is_asked_for=False)
        assert is_due("KRX", self.OPEN, self.OPEN + timedelta(seconds=300), is_asked_for=False)

    def test_once_after_the_close_and_not_through_the_night(self) -> None:
        last = self.CLOSED - timedelta(minutes=11)
        assert not is_due("KRX", last, self.CLOSED - timedelta(minutes=1), is_asked_for=False)
        assert is_due("KRX", last, self.CLOSED, is_asked_for=False)
        assert not is_due("KRX", self.CLOSED, self.CLOSED + timedelta(hours=5), is_asked_for=False)

    def test_a_minute_after_somebody_asked_whenever_that_is(self) -> None:
        night = self.CLOSED + timedelta(hours=5)
        assert not is_due("KRX", night, night + timedelta(seconds=59), is_asked_for=True)
        assert is_due("KRX", night, night + timedelta(seconds=60), is_asked_for=True)
