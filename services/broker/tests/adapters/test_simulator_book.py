"""The simulator reads of a book what can be touched, all of it and nothing else, at a cost that does not grow."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import asyncpg
from broker.adapters.simulator import books
from broker.adapters.simulator.books import Member, Page
from broker.adapters.simulator.exchange import BookOrder
from broker.adapters.simulator.quotes import Quote
from broker.domain.order import ClientKey
from kit.clock import now
from kit.db import Database, Session, driver_of
from kit.ids import new_id
from kit.sql import Statement
from kit.testing.databases import TestDatabase
from sqlalchemy import text

from services.broker.tests.builders import a_symbol
from services.broker.tests.floor import Tape

BOOKS: Final = 150
ORDERS_MAX: Final = 24
TODAY: Final = date(2024, 12, 16)
PRICES: Final = (None, *(Decimal(price) for price in range(69_600, 70_500, 100)))
SESSIONS: Final = ("opening_auction", "closing_auction", "volatility_auction", "halted", "closed", "regular")
FEW, MANY = 100, 10_000

SAVE_ORDER = text(
    "INSERT INTO sim_orders (client_key, account, symbol, market, board, kind, side, order_type, time_in_force,"
    " limit_price, quantity, filled, state, trading_date, accepted_at) VALUES (:client_key, :account, :symbol, 'KRX',"
    " 'KOSPI', 'stock', :side, :order_type, :time_in_force, :limit_price, :quantity, 0, :state, :trading_date, now())"
)
SAVE_QUOTE = text(
    "INSERT INTO sim_quotes (symbol, quoted_at, bid_left, ask_left, phase, nxt_phase, trading_date)"
    " VALUES (:symbol, :quoted_at, :bid_left, :ask_left, :phase, :nxt_phase, :trading_date)"
)
# Half of them buy far below the market, half sell far above it.
SAVE_FAR_AWAY = text(
    "INSERT INTO sim_orders (client_key, account, symbol, market, board, kind, side, order_type, time_in_force,"
    " limit_price, quantity, filled, state, trading_date, accepted_at)"
    " SELECT gen_random_uuid(), 'far', :symbol, 'KRX', 'KOSPI', 'stock', CASE n % 2 WHEN 0 THEN 'buy' ELSE 'sell' END,"
    " 'limit', 'day', CASE n % 2 WHEN 0 THEN 50000 ELSE 90000 END, 1, 0, 'open', :day, now()"
    " FROM generate_series(1, CAST(:count AS int)) n"
)
OPEN_SYMBOLS = text("SELECT DISTINCT symbol FROM sim_orders WHERE state = 'open'")
EVERYTHING = Statement(text("SELECT * FROM sim_orders WHERE symbol = :symbol"))


def _an_order(chance: random.Random, symbol: str) -> dict[str, Any]:
    limit = chance.choice(PRICES)
    return {
        "client_key": new_id(),
        "account": str(new_id()),
        "symbol": symbol,
        "side": chance.choice(("buy", "sell")),
        "order_type": "market" if limit is None else "limit",
        "time_in_force": chance.choice(("day", "gtc", "at_close")),
        "limit_price": limit,
        "quantity": Decimal(chance.randrange(1, 50)),
        "state": chance.choice(("open", "open", "open", "canceled")),
        "trading_date": TODAY + timedelta(days=chance.choice((0, 0, 0, 0, -1, 1))),
    }


def _left_behind(chance: random.Random, quote: Quote) -> dict[str, Any]:
    """What the last quote that served the book has left: most often one of the same day and phase."""
    last = quote.model_copy(
        update={
            "session": chance.choice(SESSIONS) if chance.random() < 0.2 else quote.session,
            "trading_date": TODAY - timedelta(days=chance.random() < 0.1),
        }
    )
    return {
        "symbol": quote.symbol,
        "quoted_at": quote.timestamp + timedelta(milliseconds=chance.choice((-1, -1, 0, 1))),
        "bid_left": Decimal(chance.choice((0, 30))),
        "ask_left": Decimal(chance.choice((0, 30))),
        "phase": last.phase,
        "nxt_phase": last.phase_at("NXT"),
        "trading_date": last.trading_date,
    }


async def _a_book(session: Session, chance: random.Random, tape: Tape) -> tuple[Quote, list[Member]]:
    """Fill a symbol's book by chance; return a quote, and members who may come with it."""
    shown = [str(price) if price else None for price in (chance.choice(PRICES), chance.choice(PRICES))]
    quote = (await tape.quotes(session=chance.choice(("regular", *SESSIONS)))).model_copy(
        update={"symbol": a_symbol(), "bid": shown[0] and Decimal(shown[0]), "ask": shown[1] and Decimal(shown[1])}
    )
    orders = [_an_order(chance, quote.symbol) for _ in range(chance.randrange(1, ORDERS_MAX))]
    await session.execute(SAVE_ORDER, orders)
    if chance.random() < 0.9:
        await session.execute(SAVE_QUOTE, _left_behind(chance, quote))
    members = []
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        key = chance.choice(orders)["client_key"] if chance.random() < 0.2 else new_id()
        members.append(Member(ClientKey(key), chance.choice(("buy", "sell")), chance.choice(PRICES)))
    return quote, members


def _is_touched(order: BookOrder, page: Page, quote: Quote, left: dict[str, Any] | None, members: list[Member]) -> bool:
    """Whether a quote, or a member who enters, can touch an order: the rule, asked of one order after the other."""
    if left is None or (order.trading_date != quote.trading_date and order.time_in_force in {"day", "at_close"}):
        return True
    before = page.before
    assert before is not None
    if quote.timestamp >= left["quoted_at"] and not before.is_of(quote):
        return True
    limit = order.limit_price
    for theirs in (member.limit_price for member in members if member.side != order.side):
        if limit is None or theirs is None or (limit >= theirs if order.side == "buy" else limit <= theirs):
            return True
    shown, size = (quote.ask, page.sizes[1]) if order.side == "buy" else (quote.bid, page.sizes[0])
    if quote.timestamp < left["quoted_at"] or (quote.timestamp == left["quoted_at"] and not size):
        return False
    return limit is None or (shown is not None and (limit >= shown if order.side == "buy" else limit <= shown))


async def test_a_book_is_read_as_far_as_a_quote_and_members_can_touch_it(database: Database, tape: Tape) -> None:
    chance = random.Random(20_241_216)
    touched = 0
    async with database.system() as session:
        for number in range(BOOKS):
            quote, members = await _a_book(session, chance, tape)
            given = {"symbol": quote.symbol}
            left = (await session.execute(text("SELECT * FROM sim_quotes WHERE symbol = :symbol"), given)).first()
            page = await books.read_page(session, quote, *members)
            whole = {row.client_key: books._order(row) for row in await EVERYTHING.all(session, given)}
            known = {member.key: whole[member.key] for member in members if member.key in whole}
            before = None if left is None else dict(left._mapping)
            expected = {
                key
                for key, order in whole.items()
                if order.state == "open" and (key in known or _is_touched(order, page, quote, before, members))
            }
            assert {order.key for order in page.touched} == expected, f"book {number}: {quote}, {members}"
            assert len(page.touched) == len(expected)
            assert page.known == known
            touched += len(expected)
    assert touched > BOOKS, "most books have orders that are touched"


async def _rows_read(session: Session, asked: dict[str, Any], statement: Statement = books._READ) -> int:
    """How many orders the read looks at, those it throws away included, by the plan that runs for everybody."""
    compiled = statement.compiled(asked)
    plan = await driver_of(session).fetchval(
        f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {compiled.text}", *compiled.arguments(asked)
    )
    nodes, rows = [plan[0]["Plan"]], 0
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node.get("Relation Name") == "sim_orders":
            rows += round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return rows


async def test_what_a_read_costs_does_not_grow_with_the_orders_that_rest_out_of_reach(
    database: Database, tape: Tape
) -> None:
    quote = (await tape.quotes()).model_copy(update={"symbol": a_symbol()})
    before = quote.timestamp - timedelta(seconds=1)
    earlier = {"quoted_at": before, "bid_left": 0, "ask_left": 0}
    day = {"phase": quote.phase, "nxt_phase": quote.phase_at("NXT"), "trading_date": quote.trading_date}
    asked = {"symbol": quote.symbol, "keys": [new_id()], "sold_down_to": None, "bought_up_to": Decimal(70_100)}
    asked |= {"bid": quote.bid, "ask": quote.ask, "quoted_at": now(), **day}
    async with database.system() as session:
        await session.execute(SAVE_QUOTE, {"symbol": quote.symbol, **earlier, **day})
        for resting in (FEW, MANY - FEW):
            given = {"symbol": quote.symbol, "day": quote.trading_date, "count": resting}
            await session.execute(SAVE_FAR_AWAY, given)
            assert await _rows_read(session, asked) == 0
        asked["quoted_at"] = before - timedelta(seconds=1)
        at_any_price = {**asked, "sold_down_to": Decimal(0), "bought_up_to": None}
        assert await _rows_read(session, at_any_price) == MANY / 2, "a sale at any price"


async def test_which_symbols_have_open_orders_is_found_at_a_cost_that_does_not_grow_with_the_orders(
    database: Database, fresh: TestDatabase
) -> None:
    """Once the table was analyzed, that is: who has never seen what is in it cannot know that it is not two rows."""
    symbols = {a_symbol(), a_symbol()}
    admin = await asyncpg.connect(fresh.admin_url)
    try:
        for total in (MANY, 2 * MANY):
            async with database.system() as session:
                for symbol in symbols:
                    await session.execute(SAVE_FAR_AWAY, {"symbol": symbol, "day": TODAY, "count": MANY})
            await admin.execute("ANALYZE sim_orders")
            async with database.system() as session:
                found = await books.list_open_symbols(session)
                assert found == set(await session.scalars(OPEN_SYMBOLS)) >= symbols
                rows = await _rows_read(session, {}, books._OPEN_SYMBOLS)
                assert rows <= 2 * len(found), f"{total} orders a symbol: a plan tells means, rounded"
    finally:
        await admin.close()
