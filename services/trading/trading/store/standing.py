"""What an account can put behind one more order: one statement, after the account is locked.

Counters are counted from the rows themselves, so nothing is forgotten by a restart; how many orders are open, the
database counts along (migration 0017). Each count stops at its limit, and what no limit asks for is not looked at. The
waiting one of a pair is worth nothing: only one of the two will trade. Nor is the order itself, when it is there
already and other terms are asked for: it is judged by those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.sql import Row, Statement
from sqlalchemy import text

from trading.domain.account import Balance, Standing, Tally
from trading.domain.halt import HaltMode, strictest
from trading.domain.limits import Limits, Scope
from trading.domain.order import OPEN
from trading.domain.request import OrderRequest

ZERO = Decimal(0)
SECOND = timedelta(seconds=1)

_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN))
_MINE = "o.owner_id = :owner AND o.account_id = :account"
_NOT_ITSELF = "o.client_order_id <> :client_order_id"
_IS_WORTH = "NOT (o.status = 'held' AND o.held = 0)"
_OTHERS = f"{_MINE} AND o.status IN ({_OPEN}) AND {_IS_WORTH} AND {_NOT_ITSELF}"


def _value(condition: str = "WHERE true") -> str:
    """What is open of orders may come to, by the larger terms where others are being asked for."""
    shares = "greatest(o.quantity, coalesce(o.replace_quantity, 0)) - o.filled_quantity"
    price = "greatest(coalesce(o.limit_price, o.stop_price, o.reserve_price, 0), coalesce(o.replace_limit_price, 0))"
    return f"coalesce(sum(({shares}) * {price}) FILTER ({condition}), 0)"


# Planned once, perhaps while the tables are empty: every index that begins with the owner looks as good as another
# then, and an order was found by walking through all of its owner's. Where rows are asked for in an index's own
# sequence, no other index does as well.
STANDING = Statement(
    text(
        f"""
SELECT balance.available, balance.held AS held_cash, balance.unsettled_in, balance.unsettled_out,
       position.quantity, position.held AS promised,
       (SELECT mode FROM platform_halt) AS platform_halt,
       (SELECT mode FROM broker_halts
         WHERE broker = (SELECT broker FROM accounts WHERE owner_id = :owner AND id = :account)) AS broker_halt,
       clock_timestamp() AS database_time,
       EXISTS (SELECT FROM risk_limits WHERE owner_id = :owner) AS has_own_limits,
       (SELECT filled_quantity FROM orders
         WHERE owner_id = :owner AND client_order_id >= :client_order_id AND client_order_id <= :client_order_id
         ORDER BY client_order_id LIMIT 1) AS filled,
       ARRAY(SELECT mode FROM halts
              WHERE owner_id = :owner
                AND (scope = 'user' OR (scope = 'account' AND scope_id = :account)
                     OR (scope = 'strategy' AND scope_id = :strategy))) AS halts,
       (SELECT open_orders FROM accounts WHERE owner_id = :owner AND id = :account) AS open_orders,
       (SELECT count(*) FROM (SELECT FROM orders o WHERE {_MINE} AND o.created_at > CAST(:second_ago AS timestamptz)
                               ORDER BY o.created_at LIMIT :orders_per_second_max) AS counted) AS orders_last_second,
       CASE WHEN CAST(:duplicate_since AS timestamptz) < CAST(:now AS timestamptz) THEN coalesce((
           SELECT true FROM orders o
            WHERE {_MINE} AND o.created_at > CAST(:duplicate_since AS timestamptz)
              AND o.created_at <= CAST(:now AS timestamptz) AND o.status <> 'denied'
              AND o.symbol = :symbol AND o.side = :side AND o.order_type = :order_type AND o.quantity = :quantity
              AND o.limit_price IS NOT DISTINCT FROM CAST(:limit_price AS numeric)
              AND o.stop_price IS NOT DISTINCT FROM CAST(:stop_price AS numeric)
              AND o.client_order_id <> :client_order_id
            ORDER BY o.created_at LIMIT 1), false) ELSE false END AS is_duplicate,
       CASE WHEN CAST(:asks_trades AS boolean) THEN (
           SELECT count(*) FROM (SELECT FROM orders o WHERE {_MINE} AND o.created_at >= CAST(:day_began AS timestamptz)
                                    AND o.status <> 'denied'
                                  ORDER BY o.created_at LIMIT :daily_trades_max) AS counted) END AS trades_today,
       CASE WHEN CAST(:asks_person AS boolean) THEN (
           SELECT count(*) FROM (SELECT FROM accounts a JOIN orders o ON o.owner_id = a.owner_id AND o.account_id = a.id
                                  WHERE a.owner_id = :owner AND o.created_at >= CAST(:day_began AS timestamptz)
                                    AND o.status <> 'denied' LIMIT :person_trades_max) AS counted) END AS person_trades,
       CASE WHEN CAST(:asks_loss AS boolean) THEN (
           SELECT coalesce(sum(o.realized_profit), 0) FROM executions o
            WHERE {_MINE} AND o.currency = :currency
               AND o.recorded_at >= CAST(:day_began AS timestamptz)) END AS realized_today,
       CASE WHEN CAST(:asks_open_value AS boolean) THEN (
           SELECT {_value()} FROM orders o
            WHERE {_OTHERS} AND o.currency = :currency) END AS open_value,
       CASE WHEN CAST(:asks_position AS boolean) THEN (
           SELECT {_value()} FROM orders o
            WHERE {_OTHERS} AND o.symbol = :symbol AND o.side = 'buy') END AS being_bought,
       CASE WHEN CAST(:asks_equity AS boolean) THEN (
           SELECT coalesce(sum(o.cost), 0) FROM positions o
            WHERE {_MINE} AND o.currency = :currency) END AS invested
  FROM (SELECT 1) AS one
  LEFT JOIN balances balance ON balance.owner_id = :owner AND balance.account_id = :account
                            AND balance.currency = :currency
  LEFT JOIN positions position ON position.owner_id = :owner AND position.account_id = :account
                              AND position.symbol = :symbol
"""  # noqa: S608 - the statuses are our own
    )
)


_ALL_ACCOUNTS = (
    "accounts a JOIN orders o ON o.owner_id = a.owner_id AND o.account_id = a.id"
    " WHERE a.owner_id = :owner AND o.currency = :currency"
    " AND (CAST(:strategy AS uuid) IS NULL OR o.strategy_id = CAST(:strategy AS uuid))"
)
TALLY = Statement(
    text(
        f"""
SELECT (SELECT count(*) FROM {_ALL_ACCOUNTS} AND o.created_at >= CAST(:day_began AS timestamptz)
           AND o.status <> 'denied') AS trades_today,
       (SELECT coalesce(sum(e.realized_profit), 0)
          FROM executions e, {_ALL_ACCOUNTS} AND e.owner_id = a.owner_id AND e.account_id = a.id AND e.order_id = o.id
           AND e.recorded_at >= CAST(:day_began AS timestamptz)) AS realized_today,
       open.orders AS open_orders, open.value AS open_value
  FROM (SELECT count(*) AS orders, {_value("WHERE " + _IS_WORTH + " AND " + _NOT_ITSELF)} AS value
          FROM {_ALL_ACCOUNTS} AND o.status IN ({_OPEN})) AS open
"""  # noqa: S608 - the statuses are our own
    )
)

LOCK_PERSON = text("SELECT pg_advisory_xact_lock(hashtextextended('trades:' || :owner, 0))")


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is asked, and when the market's day began."""

    now: datetime
    day_began: datetime


async def lock_person(session: Session, owner: UUID) -> None:
    """Let orders of all the owner's accounts be decided one after the other: after their accounts are locked."""
    await session.execute(LOCK_PERSON, {"owner": str(owner)})


async def tally(session: Session, owner: UUID, request: OrderRequest, scope: Scope, at: Moment) -> Tally:
    """Return what the owner's orders add up to over all accounts, or those of the request's strategy."""
    given = {
        "owner": owner,
        "strategy": request.strategy_id if scope == "strategy" else None,
        "currency": request.currency,
        "client_order_id": request.client_order_id,
        "day_began": at.day_began,
    }
    [row] = await TALLY.all(session, given)
    return Tally(
        trades_today=row.trades_today,
        realized_today=row.realized_today,
        open_orders=row.open_orders,
        open_value=row.open_value,
    )


async def find(session: Session, owner: UUID, request: OrderRequest, limits: Limits, at: Moment) -> Standing:
    """Return where the account of a request stands. Lock it before."""
    [row] = await STANDING.all(session, _given(owner, request, limits, at))
    return _standing_of(row, request)


async def find_all(
    session: Session, owners: Sequence[UUID], asked: Sequence[tuple[OrderRequest, Limits, Moment]]
) -> list[Standing]:
    """Return where the accounts of several owners' requests stand, each of another account, in one round trip."""
    given = [_given(owner, *each) for owner, each in zip(owners, asked, strict=True)]
    rows = await STANDING.many(session, given)
    return [_standing_of(row, request) for row, (request, _, _) in zip(rows, asked, strict=True)]


def _given(owner: UUID, request: OrderRequest, limits: Limits, at: Moment) -> dict[str, Any]:
    numbered = request.client_order_id != str(request.id)
    window = limits.numbered_duplicate_window if numbered else limits.duplicate_window
    return {
        "owner": owner,
        "account": request.account_id,
        "strategy": request.strategy_id,
        "currency": request.currency,
        "symbol": request.symbol,
        "side": request.side,
        "order_type": request.order_type,
        "quantity": request.quantity,
        "limit_price": request.limit_price,
        "stop_price": request.stop_price,
        "client_order_id": request.client_order_id,
        "now": at.now,
        "day_began": at.day_began,
        "second_ago": at.now - SECOND,
        "duplicate_since": at.now - window,
        "orders_per_second_max": limits.orders_per_second_max,
        "daily_trades_max": limits.daily_trades_max or 0,
        "asks_trades": limits.daily_trades_max is not None,
        "person_trades_max": limits.person_trades_max or 0,
        "asks_person": limits.person_trades_max is not None,
        "asks_loss": limits.daily_loss_max is not None,
        "asks_open_value": limits.open_value_max is not None or limits.leverage_max is not None,
        "asks_position": limits.position_value_max is not None or limits.position_weight_max is not None,
        "asks_equity": limits.position_weight_max is not None or limits.leverage_max is not None,
    }


def _standing_of(row: Row, request: OrderRequest) -> Standing:
    quantity = row.quantity or ZERO
    cash = (row.available or ZERO) + (row.held_cash or ZERO)
    modes = frozenset(HaltMode(mode) for mode in (row.platform_halt, row.broker_halt, *row.halts) if mode)
    return Standing(
        available=row.available or ZERO,
        sellable=quantity - (row.promised or ZERO),
        open_orders=row.open_orders,
        halt=strictest(modes),
        has_own_limits=row.has_own_limits,
        database_time=row.database_time,
        orders_last_second=row.orders_last_second,
        is_duplicate=row.is_duplicate,
        trades_today=row.trades_today,
        person_trades_today=row.person_trades,
        realized_today=row.realized_today,
        open_value=row.open_value,
        being_bought=row.being_bought,
        filled=row.filled or ZERO,
        quantity=quantity,
        invested=row.invested,
        equity=None if row.invested is None else cash + row.invested,
        balance=_balance_of(row, request),
        is_taken=row.filled is not None,
    )


def _balance_of(row: Row, request: OrderRequest) -> Balance | None:
    if row.available is None:
        return None
    return Balance(
        account_id=request.account_id,
        currency=request.currency,
        available=row.available,
        held=row.held_cash,
        unsettled_in=row.unsettled_in,
        unsettled_out=row.unsettled_out,
    )
