"""Attempts, owner first; `intent` keeps what we were asked to send, word for word."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.json import dumps_text
from kit.money import decimal_text
from kit.sql import Row, Statement
from sqlalchemy import bindparam, func, literal_column, select, text, true
from sqlalchemy.dialects.postgresql import insert

from broker.domain.attempt import UNSETTLED, Attempt, AttemptState
from broker.domain.order import AccountId, Execution, OrderId, OrderIntent, OwnerId
from broker.store.tables import attempts

_BEGIN = Statement(insert(attempts).on_conflict_do_nothing())
_BEGIN_QUICKLY = Statement(
    insert(attempts).on_conflict_do_nothing().returning(func.set_config("synchronous_commit", "off", true()))
)
BEGIN_TEXT = """
    INSERT INTO attempts (order_id, owner_id, broker, state, broker_order_id, intent, correlation_id, begun_at,
                          connection_id)
    VALUES (:order_id, :owner_id, :broker, :state, :broker_order_id, CAST(:intent AS jsonb), :correlation_id,
            :begun_at, :connection_id)
    ON CONFLICT DO NOTHING
"""
_FIND = Statement(
    select(attempts).where(attempts.c.owner_id == bindparam("owner"), attempts.c.order_id == bindparam("order"))
)
_LIST_IN_DOUBT = Statement(
    select(attempts)
    .where(
        attempts.c.owner_id == bindparam("owner"),
        attempts.c.state.in_([literal_column(f"'{state.value}'") for state in sorted(UNSETTLED)]),
        attempts.c.needs_human.is_(True),
    )
    .order_by(attempts.c.begun_at)
    .limit(bindparam("limit"))
)
# One round trip for both: this is the hottest path there is.
_SAVE = Statement(
    text(
        """
    WITH settled AS (
        UPDATE attempts SET state = :state, broker_order_id = :broker_order_id
         WHERE owner_id = :owner AND order_id = :order AND state <> :state
    )
    INSERT INTO broker_executions (execution_id, owner_id, order_id, account_id, broker, symbol, market, side, quantity,
                                   price, fee, tax, trade_date, settlement_date, executed_at)
    SELECT execution_id, owner_id, order_id, account_id, broker, symbol, market, side, quantity,
           price, fee, tax, trade_date, settlement_date, executed_at
      FROM jsonb_populate_recordset(NULL::broker_executions, CAST(:heard AS jsonb))
    ON CONFLICT DO NOTHING
    RETURNING execution_id
    """
    )
)


_SAVE_LOOKS = Statement(
    text(
        "UPDATE attempts SET looks = :looks, first_look_at = :first_look_at, needs_human = :needs_human"
        " WHERE owner_id = :owner AND order_id = :order"
    )
)
_LIKENESS = ("account_id", "symbol", "side", "quantity", "limit_price")
_LOCK_LIKENESS = Statement(text("SELECT pg_advisory_xact_lock(hashtextextended('attempt:' || :likeness, 0))"))
# Of twins the one being sent first: that passes within seconds, while one in doubt may need a human.
_BEGIN_BESIDE_TWIN = Statement(
    text(
        f"""
    WITH twin AS (
        SELECT state FROM attempts
         WHERE owner_id = :owner_id AND order_id <> :order_id AND state IN ('sending', 'unknown')
           AND intent->>'account_id' = :account_id AND intent->>'symbol' = :symbol AND intent->>'side' = :side
           AND intent->>'quantity' = :quantity
           AND intent->>'limit_price' IS NOT DISTINCT FROM CAST(:limit_price AS text)
         ORDER BY state LIMIT 1
    ), begun AS ({BEGIN_TEXT} RETURNING order_id)
    SELECT (SELECT state FROM twin) AS twin, EXISTS (SELECT FROM begun) AS is_new
    """  # noqa: S608 - a statement of our own
    )
)
_SUM = Statement(
    text(
        """
    SELECT coalesce(sum(quantity), 0) AS quantity, coalesce(sum(quantity * price), 0) AS amount
      FROM broker_executions WHERE owner_id = :owner AND order_id = :order
    """
    )
)


async def save_new(session: Session, owner: OwnerId, attempt: Attempt, *, quickly: bool = False) -> bool:
    """Keep an attempt that is about to be made; False when this order has one already.

    `quickly` waits for no disk. It is for a broker whose books are lost together with the attempt, as they are in the
    same database: every other one must not hear of an order that we could forget.
    """
    row = row_of(owner, attempt)
    if quickly:
        return len(await _BEGIN_QUICKLY.all(session, row)) == 1
    return await _BEGIN.count(session, row) == 1


async def save_new_beside_twin(session: Session, owner: OwnerId, attempt: Attempt) -> tuple[bool, AttemptState | None]:
    """Keep an attempt at a broker without keys, and tell whether this order had none, and what its twin's state is.

    A twin is an unsettled attempt that the broker could not tell from this one. The lock on their likeness is held
    until the transaction ends, so that two twins cannot begin at once; it has to be there before the statement that
    looks for twins begins, which would not see what was committed later.
    """
    row = row_of(owner, attempt)
    likeness = {name: row["intent"][name] for name in _LIKENESS}
    await _LOCK_LIKENESS.all(session, {"likeness": "|".join(str(each) for each in likeness.values())})
    [found] = await _BEGIN_BESIDE_TWIN.all(session, {**row, "intent": dumps_text(row["intent"]), **likeness})
    return found.is_new, None if found.twin is None else AttemptState(found.twin)


def row_of(owner: OwnerId, attempt: Attempt) -> dict[str, Any]:
    """The row of an attempt."""
    return {
        "order_id": attempt.intent.order_id,
        "owner_id": owner,
        "broker": attempt.broker,
        "state": attempt.state.value,
        "broker_order_id": attempt.broker_order_id,
        "intent": _written(attempt.intent),
        "correlation_id": attempt.correlation_id,
        "begun_at": attempt.begun_at,
        "connection_id": attempt.intent.connection_id,
    }


async def save(session: Session, owner: OwnerId, attempt: Attempt, heard: Sequence[Execution]) -> tuple[Execution, ...]:
    """Keep what an answer has changed, and the executions in it; return those that were not known yet."""
    changes = {
        "owner": owner,
        "order": attempt.intent.order_id,
        "state": attempt.state.value,
        "broker_order_id": attempt.broker_order_id,
        "heard": dumps_text([execution_row(attempt, execution) for execution in heard]),
    }
    new = {row.execution_id for row in await _SAVE.all(session, changes)}
    return tuple(execution for execution in heard if execution.execution_id in new)


async def save_looks(session: Session, owner: OwnerId, attempt: Attempt) -> None:
    """Keep how often and since when evidence was looked for, and whether a human has to."""
    found = {
        "owner": owner,
        "order": attempt.intent.order_id,
        "looks": attempt.looks,
        "first_look_at": attempt.first_look_at,
        "needs_human": attempt.needs_human,
    }
    await _SAVE_LOOKS.count(session, found)


async def sum_executions(session: Session, owner: OwnerId, order: OrderId) -> tuple[Decimal, Decimal]:
    """Shares and value of what is known to have traded of an order."""
    [row] = await _SUM.all(session, {"owner": owner, "order": order})
    return row.quantity, row.amount


async def list_in_doubt(session: Session, owner: OwnerId, limit: int) -> list[Attempt]:
    """Those that only a human can settle, oldest first."""
    return [attempt_of(row) for row in await _LIST_IN_DOUBT.all(session, {"owner": owner, "limit": limit})]


async def find(session: Session, owner: OwnerId, order: OrderId) -> Attempt | None:
    """The attempt for an order, if there is one."""
    row = await _FIND.first(session, {"owner": owner, "order": order})
    return None if row is None else attempt_of(row)


def _written(intent: OrderIntent) -> dict[str, Any]:
    return {
        "account_id": str(intent.account_id),
        "account_kind": intent.account_kind,
        "symbol": intent.symbol,
        "market": intent.market,
        "board": intent.board,
        "kind": intent.kind,
        "side": intent.side,
        "order_type": intent.order_type,
        "time_in_force": intent.time_in_force,
        "quantity": decimal_text(intent.quantity),
        "limit_price": None if intent.limit_price is None else decimal_text(intent.limit_price),
        "broker": intent.broker,
        "connection_id": None if intent.connection_id is None else str(intent.connection_id),
        "venue": intent.venue,
    }


def execution_row(attempt: Attempt, execution: Execution) -> dict[str, Any]:
    """The row of an execution."""
    return {
        "execution_id": execution.execution_id,
        "owner_id": str(attempt.intent.owner),
        "order_id": str(attempt.intent.order_id),
        "account_id": str(attempt.intent.account_id),
        "broker": attempt.broker,
        "symbol": attempt.intent.symbol,
        "market": attempt.intent.market,
        "side": attempt.intent.side,
        "quantity": execution.quantity,
        "price": execution.price,
        "fee": execution.fee,
        "tax": execution.tax,
        "trade_date": execution.trade_date,
        "settlement_date": execution.settlement_date,
        "executed_at": execution.executed_at,
    }


def attempt_of(row: Row) -> Attempt:
    """The attempt a row holds."""
    written: dict[str, Any] = row.intent
    limit, connection = written["limit_price"], written.get("connection_id")
    intent = OrderIntent(
        order_id=OrderId(row.order_id),
        owner=OwnerId(row.owner_id),
        **{
            **written,
            "account_id": AccountId(UUID(written["account_id"])),
            "quantity": Decimal(written["quantity"]),
            "limit_price": None if limit is None else Decimal(limit),
            "connection_id": None if connection is None else UUID(connection),
        },
    )
    return Attempt(
        intent=intent,
        broker=row.broker,
        state=AttemptState(row.state),
        broker_order_id=row.broker_order_id,
        correlation_id=row.correlation_id,
        begun_at=row.begun_at,
        looks=row.looks,
        first_look_at=row.first_look_at,
        needs_human=row.needs_human,
    )
