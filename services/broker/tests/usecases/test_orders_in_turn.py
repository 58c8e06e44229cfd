"""What orders come to that are placed together is what they come to one after the other."""

import asyncio
import random
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from broker.adapters.simulator.connector import Simulator
from broker.domain.order import OrderIntent
from kit.clock import now
from kit.ids import new_id
from sqlalchemy import text

from services.broker.tests.builders import an_order
from services.broker.tests.floor import Floor, Tape

PLAYS: Final = 60
ORDERS_MAX: Final = 14
DAY, THE_DAY_BEFORE = "2026-11-20", "2026-11-19"
"""Days on which NXT and KRX's after-market trade."""
SESSIONS: Final = ("pre_market", "opening_auction", "closing_auction", "volatility_auction", "after_market", "halted")
PRICES: Final = ("69800", "69900", "70000", "70100", "70200", "70300")
BOOK: Final = text(
    "SELECT client_key, account, market, side, order_type, time_in_force, limit_price, quantity, filled, state,"
    " refusal_code, trading_date, venue FROM sim_orders WHERE symbol = :symbol ORDER BY sequence"
)
LINE: Final = text("SELECT client_key FROM sim_orders WHERE symbol = :symbol ORDER BY priority")
TRADED: Final = text(
    "SELECT o.client_key, e.quantity, e.price, e.fee, e.tax, e.trade_date, e.settlement_date FROM sim_executions e"
    " JOIN sim_orders o USING (client_key) WHERE o.symbol = :symbol ORDER BY e.sequence"
)
LEFT: Final = text("SELECT bid_left, ask_left, phase, nxt_phase, trading_date FROM sim_quotes WHERE symbol = :symbol")
KEPT: Final = text("SELECT order_id, state FROM attempts WHERE intent->>'symbol' = :symbol ORDER BY order_id")
TOLD: Final = text("SELECT type, data FROM events WHERE subject = :subject ORDER BY position")


def a_quote(chance: random.Random) -> dict[str, Any]:
    shown = int(chance.choice(PRICES[:4]))
    return {
        "trading_date": chance.choice((DAY, DAY, DAY, THE_DAY_BEFORE)),
        "session": chance.choice(("regular", chance.choice(SESSIONS), "regular")),
        "bid": chance.choice((str(shown), str(shown), None)),
        "ask": chance.choice((str(shown + 100), str(shown + 100), None)),
        "bid_size": chance.choice(("0", "5", "20", "500")),
        "ask_size": chance.choice(("0", "5", "20", "500")),
        "price": chance.choice((str(shown), None)),
    }


def terms(chance: random.Random, accounts: list[UUID]) -> dict[str, Any]:
    return {
        "account_id": chance.choice(accounts),
        "side": chance.choice(("buy", "sell")),
        "limit_price": chance.choice((None, None, *PRICES, *PRICES, "70050")),
        "quantity": str(chance.randrange(1, 30)),
        "time_in_force": chance.choice(("day", "day", "day", "ioc", "fok", "gtc", "at_open", "at_close")),
        "venue": chance.choice(("KRX", "KRX", "NXT", "SOR", "SOR")),
    }


class Play:
    """What happens to one symbol, so told that another can be held against it."""

    def __init__(self, floor: Floor, *, together: bool) -> None:
        self.floor, self.together = floor, together
        self.tape = Tape(floor.tape.cache, new_id().hex)  # codes of the usual length would meet, once in a while
        self.orders: list[OrderIntent] = []
        self.places: dict[object, int] = {}

    async def happens(self, chance: random.Random) -> None:
        """Two quotes after another, and who comes with each: the book is not served in between."""
        accounts = [UUID(int=chance.getrandbits(128)) for _ in range(4)]
        for turn in range(3):
            self.tape.at -= timedelta(milliseconds=chance.choice((0, 0, 0, 0, 1, 2)))  # as late as the one before it
            await self.tape.quotes(**a_quote(chance))
            orders = [
                an_order(self.tape.symbol, **terms(chance, accounts)) for _ in range(chance.randrange(1, ORDERS_MAX))
            ]
            self.places |= {order.key: len(self.orders) + place for place, order in enumerate(orders)}
            self.orders += orders
            if self.together and turn > 0:
                await asyncio.gather(*(self.floor.submit(order) for order in orders))
            else:
                for order in orders:
                    await self.floor.submit(order)

    async def books(self) -> dict[str, list[tuple[Any, ...]]]:
        """What is in the tables, with the places of orders for their keys."""
        given, found = {"symbol": self.tape.symbol}, {}
        async with self.floor.database.system() as session:
            for name, query in {"book": BOOK, "line": LINE, "traded": TRADED, "kept": KEPT}.items():
                rows = await session.execute(query, given)
                found[name] = [(self.places[key], *rest) for key, *rest in rows]
            found["left"] = [tuple(row) for row in await session.execute(LEFT, given)]
        found["kept"].sort()
        return found

    async def told(self) -> list[list[tuple[str, str]]]:
        """What was announced of each order. Who was filled before the answer came was never waiting."""
        told = []
        async with self.floor.database.system() as session:
            for order in self.orders:
                rows = await session.execute(TOLD, {"subject": str(order.order_id)})
                told.append([_said(row.type, row.data) for row in rows if not row.type.endswith("accepted.v1")])
        return told


def _said(name: str, data: dict[str, Any]) -> tuple[str, str]:
    words = ("code", "canceled_quantity", "quantity", "price", "fee", "tax")
    return name, " ".join(str(data[word]) for word in words if word in data)


@pytest.mark.requirement("R-2", "R-15")
async def test_a_portion_comes_to_what_its_orders_come_to_one_after_the_other(floor: Floor) -> None:
    plays = []
    begun, trades, refused = now(), 0, 0
    for seed in range(PLAYS):
        exchange = Simulator(floor.database, floor.tape.cache, now, slippage_ticks=seed % 2)
        floor.desk.connectors["simulator"] = exchange  # type: ignore[index]
        pair = []
        for together in (False, True):
            play = Play(floor, together=together)
            play.tape.at = begun
            await play.happens(random.Random(seed))
            pair.append(play)
        plays.append(pair)
    await floor.hear()
    for seed, (in_turn, together) in enumerate(plays):
        expected, found = await in_turn.books(), await together.books()
        for name, rows in expected.items():
            assert found[name] == rows, f"{name} of play {seed}"
        assert await together.told() == await in_turn.told(), f"play {seed}"
        trades += len(expected["traded"])
        refused += sum(state == "rejected" for _, state in expected["kept"])
    assert trades > PLAYS
    assert refused > PLAYS
    assert await floor.count("inbox") == sum(len(play.orders) for pair in plays for play in pair)
