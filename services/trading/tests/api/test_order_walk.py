"""Orders walked through HTTP and PostgreSQL until every move of the table was taken; the books are proved on the way.

The walk is directed: where a move is missing that can be made from here, it is made; else a seeded choice goes on. So
it takes all of the table each time, and the same steps each time.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from kit.clock import now
from kit.db import Database
from kit.events import Envelope
from kit.ids import new_id
from redis.asyncio import Redis
from trading.domain.order import TRANSITIONS, Happening, Illegal, Order, Status
from trading.domain.quote import Quote
from trading.domain.request import AccountId, OrderId
from trading.store import orders
from trading.store.orders import Waiting
from trading.subscriptions import subscriptions
from trading.usecases.prove_account import prove_account
from trading.usecases.trigger_stop import trigger_stop

from services.trading.tests.api.conftest import Trader, publish
from services.trading.tests.builders import DAY, a_quote, limits

H = Happening
SEED = 20_261_126
STEPS_MAX = 1_500
PROVED_EVERY = 20
MOVES = {(status, after) for status, row in TRANSITIONS.items() for after in row.values() if after is not status}
NEEDS_FILLS = {H.CANCEL_REJECTED_AFTER_FILL, H.REPLACED_AFTER_FILL, H.REPLACE_REJECTED_AFTER_FILL}
NEEDS_NO_FILLS = {H.REJECTED, H.CANCEL_REJECTED, H.REPLACED, H.REPLACE_REJECTED}
ANSWERS_REPLACING = {
    *(H.REPLACED, H.REPLACED_AFTER_FILL, H.REPLACED_BY_WHAT_IS_FILLED),
    *(H.REPLACE_REJECTED, H.REPLACE_REJECTED_AFTER_FILL),
}
PLAIN = {
    H.ACCEPTED: "accepted",
    H.CANCELED: "canceled",
    H.EXPIRED: "expired",
    H.UNKNOWN: "unknown",
    H.REJECTED: "rejected",
    H.CANCEL_REJECTED: "cancel_rejected",
    H.CANCEL_REJECTED_AFTER_FILL: "cancel_rejected",
}


@dataclass
class Walker:
    """One trader, one account, one order at a time."""

    trader: Trader
    symbol: str
    account: AccountId
    database: Database
    choice: random.Random
    redis: "Redis"
    taken: Counter[tuple[Status, Status]] = field(default_factory=Counter)
    order_id: str = ""

    @property
    def missing(self) -> set[tuple[Status, Status]]:
        return MOVES - set(self.taken)

    async def order(self) -> Order:
        async with self.database.owned(self.trader.caller.id) as session:
            found = await orders.find(session, self.trader.caller.id, OrderId(UUID(self.order_id)))
        assert found is not None
        shown = (await self.trader.caller.get(f"/trading/orders/{self.order_id}")).json()
        assert (shown["status"], Decimal(shown["filled_quantity"])) == (found.status, found.filled_quantity)
        return found

    async def places(self) -> None:
        waits = self.choice.random() < 0.2 or any(before is Status.HELD for before, _ in self.missing)
        terms = {"order_type": "stop_limit", "stop_price": "57000", "limit_price": "57100"} if waits else {}
        body = self.trader.order(self.account, self.symbol, quantity="5", **terms)
        answer = await self.trader.caller.post("/trading/orders", body)
        assert answer.status_code == 201, answer.text
        self.order_id = answer.json()["id"]

    async def step(self) -> None:
        await publish(self.redis, self.symbol)
        before = await self.order()
        possible = [happening for happening in TRANSITIONS[before.status] if self.is_possible(before, happening)]
        wanted = [each for each in possible if (before.status, TRANSITIONS[before.status][each]) in self.missing]
        if not possible or (not before.is_open and not wanted):
            await self.places()
            return
        try:
            await self.make(before, self.choice.choice(sorted(wanted or possible)))
        except Illegal:
            assert (await self.order()) == before, "what cannot have happened changes nothing"
            return
        after = await self.order()
        if after.status is not before.status:
            assert (before.status, after.status) in MOVES
            self.taken[before.status, after.status] += 1
        assert after.is_open or after.held == 0

    def is_possible(self, order: Order, happening: Happening) -> bool:
        filled = order.filled_quantity
        if happening in ANSWERS_REPLACING and order.replace_id is None:
            return False
        if happening is H.REPLACED_BY_WHAT_IS_FILLED:
            return bool(filled)
        if happening is H.PARTIALLY_FILLED:
            return order.remaining_quantity > 1
        return bool(filled) if happening in NEEDS_FILLS else not (happening in NEEDS_NO_FILLS and filled)

    async def make(self, order: Order, happening: Happening) -> None:
        path = f"/trading/orders/{order.id}"
        if happening is H.CANCEL_REQUESTED or (happening is H.CANCELED and order.status is Status.HELD):
            assert (await self.trader.caller.delete(path)).status_code in {200, 202}
        elif happening is H.REPLACE_REQUESTED:
            change = {"quantity": str(order.filled_quantity + self.choice.randint(2, 9))}
            assert (await self.trader.caller.patch(path, change)).status_code == 202
        elif happening is H.TRIGGERED:
            await self.sees(order, a_quote(symbol=self.symbol, price=Decimal(57_000), published_at=now()))
        elif happening is H.EXPIRED and order.status is Status.HELD:
            await self.sees(order, a_quote(symbol=self.symbol, session="closed", published_at=now()))
        elif happening in {H.PARTIALLY_FILLED, H.FILLED}:
            await self.hears("executed", order, self.fill(order, all_of_it=happening is H.FILLED))
        elif happening in {H.REPLACE_REJECTED, H.REPLACE_REJECTED_AFTER_FILL}:
            await self.hears("replace_rejected", order, {"replace_id": order.replace_id, "code": "no", "text": "no"})
        elif happening in ANSWERS_REPLACING:
            as_filled = happening is H.REPLACED_BY_WHAT_IS_FILLED
            quantity = order.filled_quantity if as_filled else order.replace_quantity
            terms = {"replace_id": order.replace_id, "quantity": quantity, "limit_price": order.replace_limit_price}
            await self.hears("replaced", order, terms)
        else:
            await self.hears(PLAIN[happening], order, {"code": "no", "text": "no"})

    def fill(self, order: Order, *, all_of_it: bool) -> dict[str, Any]:
        return {
            "execution_id": f"walk:{new_id()}",
            "quantity": order.remaining_quantity if all_of_it else Decimal(1),
            "price": order.limit_price,
            "fee": Decimal(8),
            "tax": Decimal(0),
            "trade_date": DAY,
            "settlement_date": DAY,
            "executed_at": now(),
        }

    async def hears(self, word: str, order: Order, more: dict[str, Any]) -> None:
        """A message of the broker's, as the bus delivers it."""
        subscription = subscriptions.handlers[f"broker.order.{word}.v1"]
        fact = subscription.model.model_validate({"order_id": order.id, "account_id": order.account_id, **more})
        message = Envelope(
            id=new_id(),
            type=subscription.event_type,
            source="broker",
            time=now(),
            subject=str(order.id),
            owner=self.trader.caller.id,
            correlation_id=new_id(),
            causation_id=None,
            version=1,
            data={},
        )
        async with self.database.owned(self.trader.caller.id) as session:
            await subscription.handler(session, fact, message)

    async def sees(self, order: Order, quote: Quote) -> None:
        async with self.database.owned(self.trader.caller.id) as session:
            await trigger_stop(session, Waiting(self.trader.caller.id, order), quote, limits(), now())

    async def proves(self) -> None:
        async with self.database.system() as session:
            proof = await prove_account(session, self.trader.caller.id, self.account)
        assert proof.holds, (proof.differences, proof.faults)


@pytest.mark.timeout(300)
@pytest.mark.requirement("R-5", "R-7", "R-20", "R-21")
async def test_a_walk_through_http_takes_every_move_of_the_table_and_the_books_hold(
    trader: Trader, symbol: str, database: Database, redis: "Redis", capsys: pytest.CaptureFixture[str]
) -> None:
    account = await trader.opens(cash="10000000000")
    walker = Walker(trader, symbol, AccountId(account), database, random.Random(SEED), redis)
    await walker.places()
    steps = 0
    while walker.missing and steps < STEPS_MAX:
        steps += 1
        await walker.step()
        if steps % PROVED_EVERY == 0:
            await walker.proves()
    await walker.proves()
    with capsys.disabled():
        print(f"\n  {len(MOVES) - len(walker.missing)} of {len(MOVES)} moves through HTTP in {steps} steps;", end="")  # noqa: T201
    assert not walker.missing
