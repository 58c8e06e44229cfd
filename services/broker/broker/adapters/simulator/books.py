"""The exchange's books in PostgreSQL; whoever writes to a symbol's page holds that symbol's lock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.json import dumps_text
from kit.sql import Row, Statement
from sqlalchemy import text

from broker.adapters.port import Report
from broker.adapters.simulator.exchange import NEWEST, BookOrder, Day, Trades
from broker.adapters.simulator.quotes import Quote
from broker.domain.order import Accepted, ClientKey, Ended, Execution, Refused

# The books need not be on disk before the lock is given up: what is told of them is settled by a later commit, which
# takes everything before it along (decision 101). Everybody who trades a symbol waits for this lock.
_LOCK = Statement(
    text("SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(hashtextextended(:book, 0))")
)

# An order without a limit goes to any price. Both expressions have an index each (migration 0013), and no other index
# serves what is asked of them here, whatever the statistics say.
_ANY = Decimal("Infinity")
_GOES_TO = "coalesce(limit_price, CASE side WHEN 'buy' THEN 'Infinity'::numeric ELSE 0 END)"
_ENDS_WITH = "CASE WHEN state = 'open' AND time_in_force IN ('day', 'at_close') THEN trading_date END"
# Only orders that this quote, or those that enter, can touch are read: a book full of far-away limits, or of orders
# that wait for shares this quote has no more of, costs nothing. A new day or phase, and the first quote of all, touch
# everybody. `reach` is down to which price buys are touched, and up to which sales; NULL where none is.
_READ = Statement(
    text(
        f"""
    SELECT q.quoted_at, q.bid_left, q.ask_left, q.phase, q.nxt_phase, q.trading_date AS day, o.*
      FROM (VALUES (1)) AS always (one)
      LEFT JOIN sim_quotes q ON q.symbol = :symbol
     CROSS JOIN LATERAL (
           SELECT q.phase IS NULL OR :quoted_at >= q.quoted_at
                  AND (q.phase, q.nxt_phase, q.trading_date) <> (:phase, :nxt_phase, :trading_date) AS everybody,
                  :quoted_at > q.quoted_at OR :quoted_at = q.quoted_at AND q.ask_left > 0 AS offered,
                  :quoted_at > q.quoted_at OR :quoted_at = q.quoted_at AND q.bid_left > 0 AS wanted
      ) touched
     CROSS JOIN LATERAL (
           SELECT CASE WHEN everybody THEN 0
                  ELSE least(CAST(:sold_down_to AS numeric),
                             CASE WHEN offered THEN coalesce(CAST(:ask AS numeric), 'Infinity') END) END AS buys,
                  CASE WHEN everybody THEN 'Infinity'
                  ELSE greatest(CAST(:bought_up_to AS numeric),
                                CASE WHEN wanted THEN coalesce(CAST(:bid AS numeric), 0) END) END AS sales
      ) reach
      LEFT JOIN LATERAL (
           SELECT * FROM sim_orders WHERE client_key = ANY(CAST(:keys AS uuid[]))
            UNION ALL
           SELECT * FROM sim_orders
            WHERE symbol = :symbol AND state = 'open' AND side = 'buy' AND {_GOES_TO} BETWEEN reach.buys AND 'Infinity'
            UNION ALL
           SELECT * FROM sim_orders
            WHERE symbol = :symbol AND state = 'open' AND side = 'sell' AND {_GOES_TO} BETWEEN 0 AND reach.sales
            UNION ALL
           SELECT * FROM sim_orders
            WHERE symbol = :symbol AND {_ENDS_WITH} BETWEEN '-infinity' AND CAST(:trading_date AS date) - 1
            UNION ALL
           SELECT * FROM sim_orders
            WHERE symbol = :symbol AND {_ENDS_WITH} BETWEEN CAST(:trading_date AS date) + 1 AND 'infinity'
      ) o ON true
    """  # noqa: S608 - the expressions are our own
    )
)
_WRITE = Statement(
    text(
        """
    WITH entered AS (
        INSERT INTO sim_orders (client_key, account, symbol, market, board, kind, side, order_type, time_in_force,
                                limit_price, quantity, filled, state, refusal_code, refusal_text, trading_date,
                                accepted_at, venue)
        SELECT client_key, account, symbol, market, board, kind, side, order_type, time_in_force, limit_price,
               quantity, filled, state, refusal_code, refusal_text, trading_date, accepted_at, venue
          FROM jsonb_populate_recordset(NULL::sim_orders, CAST(:entered AS jsonb))
        RETURNING client_key, sequence
    ), changed AS (
        UPDATE sim_orders o
           SET filled = c.filled, state = c.state, version = o.version + 1,
               quantity = c.quantity, limit_price = c.limit_price,
               priority = CASE WHEN c.priority = :newest THEN nextval('sim_orders_line') ELSE o.priority END
          FROM jsonb_populate_recordset(NULL::sim_orders, CAST(:changed AS jsonb)) c
         WHERE o.client_key = c.client_key
    ), traded AS (
        INSERT INTO sim_executions (execution_id, client_key, quantity, price, fee, tax, trade_date, settlement_date,
                                    executed_at)
        SELECT execution_id, client_key, quantity, price, fee, tax, trade_date, settlement_date, executed_at
          FROM jsonb_populate_recordset(NULL::sim_executions, CAST(:executions AS jsonb))
    ), used AS (
        INSERT INTO sim_quotes AS q (symbol, quoted_at, bid_left, ask_left, phase, nxt_phase, trading_date)
        SELECT symbol, quoted_at, bid_left, ask_left, phase, nxt_phase, trading_date
          FROM jsonb_populate_recordset(NULL::sim_quotes, CAST(:used AS jsonb))
        ON CONFLICT (symbol) DO UPDATE
           SET quoted_at = excluded.quoted_at, bid_left = excluded.bid_left, ask_left = excluded.ask_left,
               phase = excluded.phase, nxt_phase = excluded.nxt_phase, trading_date = excluded.trading_date
         WHERE q.quoted_at <= excluded.quoted_at
    )
    SELECT client_key, sequence FROM entered
    """
    )
)
_FIND = Statement(text("SELECT * FROM sim_orders WHERE client_key = ANY(CAST(:keys AS uuid[]))"))
_CANCEL = text("UPDATE sim_orders SET state = 'canceled' WHERE client_key = :key AND state = 'open'")
_EXECUTIONS = Statement(
    text("SELECT * FROM sim_executions WHERE client_key = ANY(CAST(:keys AS uuid[])) ORDER BY sequence")
)
# From one symbol to the next one in the index of open orders: it costs what there are symbols, not orders.
_OPEN_SYMBOLS = Statement(
    text(
        """
    WITH RECURSIVE found (symbol) AS (
        SELECT min(symbol) FROM sim_orders WHERE state = 'open'
         UNION ALL
        SELECT (SELECT min(o.symbol) FROM sim_orders o WHERE o.state = 'open' AND o.symbol > found.symbol)
          FROM found WHERE found.symbol IS NOT NULL
    )
    SELECT symbol FROM found WHERE symbol IS NOT NULL
    """
    )
)
_UNTOLD = Statement(text("SELECT * FROM sim_orders WHERE version > told_version ORDER BY sequence LIMIT :limit"))
_TELL = text(
    """
    UPDATE sim_orders o SET told_version = t.version
      FROM unnest(CAST(:keys AS uuid[]), CAST(:versions AS integer[])) AS t (key, version)
     WHERE o.client_key = t.key AND o.told_version < t.version
    """
)


@dataclass(frozen=True, slots=True)
class Page:
    """What is read of a symbol's book: members' own orders, all that can be touched, sizes still to be had."""

    known: Mapping[UUID, BookOrder]
    touched: tuple[BookOrder, ...]
    sizes: tuple[Decimal, Decimal]
    before: Day | None


@dataclass(frozen=True, slots=True)
class Member:
    """Whoever comes to the book: the key of their order, and the side and limit they would trade with."""

    key: ClientKey
    side: str
    limit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Untold:
    """Orders that changed since their broker was last told, each with the version that is told now."""

    reports: tuple[Report, ...]
    versions: tuple[tuple[UUID, int], ...]


def book_of(symbol: str) -> str:
    """The name of the lock on a symbol's book."""
    return f"simulator:{symbol}"


async def lock_symbol(session: Session, symbol: str) -> None:
    """Hold a symbol's book until the transaction ends; what is read after this is current."""
    await _LOCK.all(session, {"book": book_of(symbol)})


def reach_of(members: Sequence[Member]) -> dict[str, Decimal | None]:
    """Down to which price members sell, and up to which they buy; None where nobody does."""
    sold = [Decimal(0) if each.limit_price is None else each.limit_price for each in members if each.side == "sell"]
    bought = [_ANY if each.limit_price is None else each.limit_price for each in members if each.side == "buy"]
    return {"sold_down_to": min(sold, default=None), "bought_up_to": max(bought, default=None)}


async def read_page(session: Session, quote: Quote, *members: Member) -> Page:
    """Read what a quote and members can touch, and the members' own orders."""
    asked = {
        "symbol": quote.symbol,
        "keys": [member.key for member in members],
        **reach_of(members),
        "phase": quote.phase,
        "nxt_phase": quote.phase_at("NXT"),
        "trading_date": quote.trading_date,
        "quoted_at": quote.timestamp,
        "bid": quote.bid,
        "ask": quote.ask,
    }
    rows = await _READ.all(session, asked)
    orders = {row.client_key: _order(row) for row in rows if row.client_key is not None}  # found in one way or in more
    first = rows[0]
    return Page(
        known={member.key: orders[member.key] for member in members if member.key in orders},
        touched=tuple(order for order in orders.values() if order.state == "open"),
        sizes=quote.sizes(first.quoted_at, first.bid_left, first.ask_left),
        before=None if first.phase is None else _day(first, is_ahead=first.quoted_at > quote.timestamp),
    )


def _day(row: Row, *, is_ahead: bool) -> Day:
    return Day(row.phase, row.nxt_phase, row.day, is_ahead)


async def write_trades(session: Session, quote: Quote, trades: Trades, before: Day | None) -> dict[UUID, int]:
    """Write down what happened; the numbers of the orders that entered, in the order in which they did."""
    changed = [order for order in trades.orders if not order.is_entering]
    entered = [order for order in trades.orders if order.is_entering]
    used = {
        "symbol": quote.symbol,
        "quoted_at": quote.timestamp,
        "bid_left": trades.left.bid_size,
        "ask_left": trades.left.ask_size,
        "phase": quote.phase,
        "nxt_phase": quote.phase_at("NXT"),
        "trading_date": quote.trading_date,
    }
    is_same = before is not None and before.is_of(quote)
    is_used = trades.executions or not is_same
    return await _write(session, entered, changed, trades.executions, [used] if is_used else [])


async def write_refused(session: Session, orders: Sequence[BookOrder]) -> None:
    """Write down orders that were refused, so that the same keys are refused again."""
    await _write(session, orders, [], (), [])


async def _write(
    session: Session,
    entered: Iterable[BookOrder],
    changed: Iterable[BookOrder],
    executions: Iterable[tuple[UUID, Execution]],
    used: list[dict[str, Any]],
) -> dict[UUID, int]:
    documents = {
        "entered": dumps_text([_row(order) for order in entered]),
        "changed": dumps_text([_row(order) for order in changed]),
        "executions": dumps_text([_execution_row(key, execution) for key, execution in executions]),
        "used": dumps_text(used),
        "newest": NEWEST,
    }
    return {row.client_key: row.sequence for row in await _WRITE.all(session, documents)}


async def find_order(session: Session, key: ClientKey) -> BookOrder | None:
    """The order with a key."""
    return (await find_orders(session, [key])).get(key)


async def find_orders(session: Session, keys: Sequence[UUID]) -> dict[UUID, BookOrder]:
    """The orders with these keys."""
    return {row.client_key: _order(row) for row in await _FIND.all(session, {"keys": list(keys)})}


async def cancel(session: Session, key: ClientKey) -> None:
    """Take an open order out of the book. The one who asks is answered, so nobody has to be told."""
    await session.execute(_CANCEL, {"key": key})


async def list_executions(session: Session, keys: Sequence[UUID]) -> dict[UUID, tuple[Execution, ...]]:
    """The executions of some orders, oldest first."""
    found: dict[UUID, tuple[Execution, ...]] = {}
    for row in await _EXECUTIONS.all(session, {"keys": list(keys)}):
        found[row.client_key] = (*found.get(row.client_key, ()), _execution(row))
    return found


async def list_open_symbols(session: Session) -> set[str]:
    """Symbols with orders in the book."""
    return {row.symbol for row in await _OPEN_SYMBOLS.all(session, {})}


async def list_untold(session: Session, limit: int) -> Untold:
    """Orders with news nobody has taken yet."""
    rows = await _UNTOLD.all(session, {"limit": limit})
    if not rows:
        return Untold((), ())
    executions = await list_executions(session, [row.client_key for row in rows])
    reports = []
    for row in rows:
        news = answer_of(_order(row), executions.get(row.client_key, ()))
        assert isinstance(news, Accepted), "a refused order never changes"
        reports.append(Report(ClientKey(row.client_key), news))
    return Untold(tuple(reports), tuple((row.client_key, row.version) for row in rows))


async def tell(session: Session, untold: Untold) -> None:
    """Remember that these versions have been taken; an order that changed meanwhile stays untold."""
    keys, versions = zip(*untold.versions, strict=True)
    await session.execute(_TELL, {"keys": list(keys), "versions": list(versions)})


def answer_of(order: BookOrder, executions: tuple[Execution, ...]) -> Accepted | Refused:
    """What the exchange says about an order, whenever and however it is asked."""
    if order.refusal is not None:
        return order.refusal
    ended = Ended(order.state, order.open_quantity) if order.state in {"canceled", "expired"} else None
    broker_order_id = f"SIM-{order.trading_date:%Y%m%d}-{order.sequence:06d}"
    return Accepted(broker_order_id, order.accepted_at, executions, ended)


def _order(row: Row) -> BookOrder:
    return BookOrder(
        key=row.client_key,
        sequence=row.sequence,
        priority=row.priority,
        account=row.account,
        symbol=row.symbol,
        market=row.market,
        board=row.board,
        kind=row.kind,
        side=row.side,
        order_type=row.order_type,
        time_in_force=row.time_in_force,
        limit_price=row.limit_price,
        quantity=row.quantity,
        filled=row.filled,
        state=row.state,
        refusal=Refused(row.refusal_code, row.refusal_text) if row.refusal_code else None,
        trading_date=row.trading_date,
        accepted_at=row.accepted_at,
        venue=row.venue,
    )


def _row(order: BookOrder) -> dict[str, Any]:
    return {
        "client_key": str(order.key),
        "priority": order.priority,
        "account": order.account,
        "symbol": order.symbol,
        "market": order.market,
        "board": order.board,
        "kind": order.kind,
        "side": order.side,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "limit_price": order.limit_price,
        "quantity": order.quantity,
        "filled": order.filled,
        "state": order.state,
        "refusal_code": order.refusal.code if order.refusal else None,
        "refusal_text": order.refusal.text if order.refusal else None,
        "trading_date": order.trading_date,
        "accepted_at": order.accepted_at,
        "venue": order.venue,
    }


def _execution(row: Row) -> Execution:
    return Execution(
        execution_id=row.execution_id,
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
        tax=row.tax,
        trade_date=row.trade_date,
        settlement_date=row.settlement_date,
        executed_at=row.executed_at,
    )


def _execution_row(key: UUID, execution: Execution) -> dict[str, Any]:
    return {
        "execution_id": execution.execution_id,
        "client_key": str(key),
        "quantity": execution.quantity,
        "price": execution.price,
        "fee": execution.fee,
        "tax": execution.tax,
        "trade_date": execution.trade_date,
        "settlement_date": execution.settlement_date,
        "executed_at": execution.executed_at,
    }
