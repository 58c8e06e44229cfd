"""Report an account as its broker shows it: read whole, our own fills settled first, announced only when it is news.

What cannot be read whole is not reported at all: a question without an answer never looks like an empty account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from kit.db import Database, Session
from kit.events import record
from kit.json import dumps_text
from sqlalchemy import Row

from broker.adapters.balance import Balance
from broker.adapters.port import Remote, Unreachable
from broker.domain.account_report import day_began, digest_of, strangers
from broker.domain.attempt import ImpossibleTransition
from broker.domain.order import ClientKey, Listed, OwnerId
from broker.events import AccountReported, ReportedExecution, ReportedHolding, ReportedOrder
from broker.store import account_reports, system
from broker.usecases.settle_attempt import settle_attempt

READS_MAX: Final = 3
"""Readings until one finds the account at rest."""
ORDERS_MAX: Final = 1_000
"""The newest of a day are told; a position speaks for the fills of those before."""


class Outcome(StrEnum):
    """What came of a reading."""

    ANNOUNCED = "announced"
    UNCHANGED = "unchanged"
    IN_DOUBT = "in_doubt"
    """An order of ours is on its way or lost on it: what is at the broker cannot be told apart yet."""


@dataclass(frozen=True, slots=True)
class Whose:
    """A connection, and its line."""

    owner: OwnerId
    connection: UUID
    remote: Remote


@dataclass(frozen=True, slots=True)
class Reading:
    """What was seen, and what came of it."""

    outcome: Outcome
    read_at: datetime
    orders: int
    strangers: int
    holdings: int


async def report_account(database: Database, whose: Whose, read_at: datetime) -> Reading:
    """Read an account at its broker, and announce it when it is not as it was announced last.

    Raises:
        NotSent, Unreachable: when the broker does not show all of it; nothing is announced then.
    """
    found, balance = await _read(whose.remote)
    known = await _settle(database, whose, found)
    since = day_began(next(iter(whose.remote.capabilities.markets)), read_at)
    async with database.system() as session:
        in_doubt = await account_reports.list_unsettled(session, whose.owner, whose.connection)
        booked = await account_reports.sum_shares(session, whose.owner, list(known.values()))
        foreign = strangers(found, known, in_doubt)
        seen = Reading(Outcome.IN_DOUBT, read_at, len(found), len(foreign), len(balance.holdings))
        if any(not attempt.needs_human for attempt in in_doubt) or _behind(found, known, booked):
            return seen
        executions = await account_reports.list_executions(session, whose.owner, whose.connection, since)
        shown = [each for each in found if each.broker_order_id in known or each in foreign][-ORDERS_MAX:]
        fact = _fact(whose, balance, (shown, known), executions, (since, read_at))
        is_news = await _announce(session, whose, fact)
    return replace(seen, outcome=Outcome.ANNOUNCED if is_news else Outcome.UNCHANGED)


def _behind(
    found: Sequence[Listed], known: Mapping[str, ClientKey], booked: Mapping[ClientKey, Decimal]
) -> list[Listed]:
    """Orders of ours of which another number of shares is booked than was seen: something traded since the reading."""
    return [
        each
        for each in found
        if each.broker_order_id in known and booked.get(known[each.broker_order_id], Decimal(0)) != each.filled
    ]


async def _read(remote: Remote) -> tuple[Sequence[Listed], Balance]:
    """Orders and balance of one moment: the orders are the same before and after the balance was read."""
    before = await remote.listed()
    for _ in range(READS_MAX):
        balance = await remote.balance()
        after = await remote.listed()
        if after == before:
            return after, balance
        before = after
    raise Unreachable(f"{remote.capabilities.title} shows an account that moves while it is read")


async def _settle(database: Database, whose: Whose, found: Sequence[Listed]) -> Mapping[str, ClientKey]:
    """Our own orders among those, each with all of its executions known."""
    broker = whose.remote.capabilities.broker
    async with database.system() as session:
        numbers = [each.broker_order_id for each in found]
        known = await system.list_keys(session, broker, whose.connection, numbers) if numbers else {}
        booked = await account_reports.sum_shares(session, whose.owner, list(known.values()))
    for each in _behind(found, known, booked):
        await _settle_one(database, whose, each, known[each.broker_order_id])
    return known


async def _settle_one(database: Database, whose: Whose, listed: Listed, key: ClientKey) -> None:
    answer = await whose.remote.told(listed)
    try:
        async with database.system() as session:
            await settle_attempt(session, key, answer)
    except ImpossibleTransition as contradiction:
        title = whose.remote.capabilities.title
        raise Unreachable(f"{title} contradicts itself about order {listed.broker_order_id}") from contradiction


async def _announce(session: Session, whose: Whose, fact: AccountReported) -> bool:
    words = fact.model_dump(mode="json", exclude={"read_at"})
    digest = digest_of([dumps_text(words)])
    if not await account_reports.save_digest(session, whose.owner, whose.connection, digest, fact.read_at):
        return False
    await record(session, fact, owner=whose.owner)
    return True


def _fact(
    whose: Whose,
    balance: Balance,
    orders: tuple[Sequence[Listed], Mapping[str, ClientKey]],
    executions: Sequence[Row[Any]],
    times: tuple[datetime, datetime],
) -> AccountReported:
    shown, known = orders
    able = whose.remote.capabilities
    return AccountReported(
        connection_id=whose.connection,
        broker=able.broker,
        market=next(iter(able.markets)),
        currency=balance.currency,
        since=times[0],
        read_at=times[1],
        cash=balance.cash_second_day,
        holdings=[
            ReportedHolding(symbol=each.symbol, quantity=each.quantity, average_price=each.average_price)
            for each in sorted(balance.holdings, key=lambda held: held.symbol)
        ],
        orders=[
            ReportedOrder(
                order_id=known.get(each.broker_order_id),
                broker_order_id=each.broker_order_id,
                symbol=each.symbol,
                side=each.side,
                quantity=each.quantity,
                limit_price=each.limit_price,
                filled_quantity=each.filled,
                filled_value=each.amount,
                is_open=each.is_open,
                placed_at=each.placed_at,
            )
            for each in shown
        ],
        executions=[ReportedExecution.model_validate(dict(row._mapping), extra="ignore") for row in executions],
    )
