"""Portions: attempts of many owners that are begun together, and first answers to attempts that are kept together.

One statement each, run for all of them in one round trip. Whatever is written names the owner whose it is.
"""

from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from uuid import UUID

from kit.db import Session
from kit.events import APPEND_TEXT, Event, announce, given_of
from kit.json import dumps_text
from kit.sql import Statement
from sqlalchemy import text

from broker.domain.attempt import Attempt
from broker.domain.order import Execution, OrderId
from broker.store.attempts import BEGIN_TEXT, execution_row, row_of

SHARED = "what comes at once of all owners: by the worker alone"
# The lock is taken by a row that was written: who comes with an order that is there already waits for no book.
_BEGIN_AT_BOOK = Statement(
    text(
        f"""
    {BEGIN_TEXT}
    RETURNING order_id, set_config('synchronous_commit', 'off', true),
              pg_advisory_xact_lock(hashtextextended(:book, 0))
    """
    )
)
# What a first answer says, by one statement: nothing is known of an attempt that is being sent, so all of it is new.
# When something is known already, none of it is written.
_IS_FIRST = "EXISTS (SELECT FROM settled)"
_SETTLE_BEGUN = Statement(
    text(
        f"""
    WITH settled AS (
        UPDATE attempts SET state = :state, broker_order_id = :broker_order_id
         WHERE owner_id = :owner AND order_id = :order AND state = 'sending'
        RETURNING order_id
    ), taken AS (
        INSERT INTO inbox (consumer, message_id, received_at)
        SELECT :consumer, CAST(:message_id AS uuid), CAST(:at AS timestamptz) WHERE {_IS_FIRST}
        ON CONFLICT DO NOTHING
    ), heard AS (
        INSERT INTO broker_executions (execution_id, owner_id, order_id, account_id, broker, symbol, market, side,
                                       quantity, price, fee, tax, trade_date, settlement_date, executed_at)
        SELECT execution_id, owner_id, order_id, account_id, broker, symbol, market, side, quantity,
               price, fee, tax, trade_date, settlement_date, executed_at
          FROM jsonb_populate_recordset(NULL::broker_executions, CAST(:heard AS jsonb)) WHERE {_IS_FIRST}
    ), told AS ({APPEND_TEXT.replace("ORDER BY", f"WHERE {_IS_FIRST} ORDER BY")})
    SELECT count(*) AS kept FROM settled
    """  # noqa: S608 - kit's own statement
    )
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A message, and who has handled it."""

    message_id: UUID
    consumer: str


@dataclass(frozen=True, slots=True)
class First:
    """The first answer to an attempt: what it makes of it, and the message whose facts are told in its own context."""

    after: Attempt
    heard: Sequence[Execution]
    told: Sequence[Event]
    seen: Seen
    context: Context


async def save_new_at(session: Session, begun: Sequence[Attempt], book: str) -> set[OrderId]:
    """Keep attempts quickly, and hold their book of ours until the transaction ends; the orders that had none before.

    An order that comes twice is kept once.
    """
    rows = [row_of(attempt.intent.owner, attempt) for attempt in begun]
    given = [{**row, "intent": dumps_text(row["intent"]), "book": book} for row in rows]
    return {OrderId(row.order_id) for row in await _BEGIN_AT_BOOK.many(session, given)}


async def save_first(session: Session, answers: Sequence[First]) -> list[bool]:
    """Keep first answers to attempts with their executions, facts and messages; of each whether it was the first.

    Of one that was not, nothing is kept.
    """
    facts = [each.context.run(given_of, *each.told, owner=each.after.intent.owner) for each in answers]
    given = [
        {
            **facts_of_one,
            "order": each.after.intent.order_id,
            "state": each.after.state.value,
            "broker_order_id": each.after.broker_order_id,
            "heard": dumps_text([execution_row(each.after, execution) for execution in each.heard]),
            "consumer": each.seen.consumer,
            "message_id": each.seen.message_id,
        }
        for each, facts_of_one in zip(answers, facts, strict=True)
    ]
    kept = [row.kept == 1 for row in await _SETTLE_BEGUN.many(session, given)]
    for each, facts_of_one, is_kept in zip(answers, facts, kept, strict=True):
        if is_kept:
            each.context.run(announce, session, facts_of_one)
    return kept
