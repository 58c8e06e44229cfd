"""Settle what a broker said about an order: keep what is new of it and announce exactly that."""

from kit import context
from kit.db import Session
from kit.events import Event, record

from broker.domain.attempt import Attempt, AttemptState, learn
from broker.domain.increment import execution_between
from broker.domain.order import Accepted, Answer, ClientKey, Execution, Refused, Unanswered
from broker.events import OrderAccepted, OrderCanceled, OrderExecuted, OrderExpired, OrderRejected, OrderUnknown
from broker.store import attempts, system
from broker.store.attempts import Seen


async def settle_attempt(session: Session, key: ClientKey, answer: Answer) -> bool:
    """Take in one answer, from whichever way it came; False when no attempt of ours has this key.

    Everything that is ever learned of an order passes here, under a lock on its attempt, so answers may repeat and
    overtake one another: what is known already is neither kept nor announced again.

    Raises:
        ImpossibleTransition: when the answer contradicts an earlier one.
    """
    attempt = await system.lock_attempt(session, key)
    if attempt is None:
        return False
    after, steps = learn(attempt, answer)
    heard = await _heard(session, after, answer)
    if not steps and not heard:
        return True
    new = await attempts.save(session, attempt.intent.owner, after, heard)
    if context.causation.get() is None:  # not while handling a message: the facts belong to the order's own story
        context.correlation.set(attempt.correlation_id)
    await record(session, *_facts(after, steps, answer, new), owner=attempt.intent.owner)
    return True


async def settle_first(session: Session, attempt: Attempt, answer: Accepted | Refused, seen: Seen) -> bool:
    """Take in the answer to an attempt that was just begun, with the message that asked for it, by one statement.

    False when somebody has told of the order already: then nothing of this transaction may be kept, and
    `settle_attempt` finds out what is new.
    """
    assert attempt.state is AttemptState.SENDING, "nothing is known of it yet"
    after, steps = learn(attempt, answer)
    heard = answer.executions if isinstance(answer, Accepted) else ()
    return await attempts.save_first(
        session, attempt.intent.owner, after, heard, _facts(after, steps, answer, heard), seen
    )


async def _heard(session: Session, attempt: Attempt, answer: Answer) -> tuple[Execution, ...]:
    """The executions in an answer; of a sum, the part beyond what is known. A smaller sum than before is old news."""
    if not isinstance(answer, Accepted):
        return ()
    if answer.progress is None:
        return answer.executions
    quantity, amount = await attempts.sum_executions(session, attempt.intent.owner, attempt.intent.order_id)
    increment = execution_between(attempt, quantity, amount, answer.progress)
    return () if increment is None else (increment,)


def _facts(
    attempt: Attempt, steps: tuple[AttemptState, ...], answer: Answer, new: tuple[Execution, ...]
) -> list[Event]:
    """What to announce, in the order it happened: accepted (unless filled at once), executed, ended."""
    order_id, account_id, broker = attempt.intent.order_id, attempt.intent.account_id, attempt.broker
    match answer:
        case Refused(code, text) if steps:
            return [OrderRejected(order_id=order_id, account_id=account_id, broker=broker, code=code, text=text)]
        case Unanswered(text) if steps:
            return [OrderUnknown(order_id=order_id, account_id=account_id, text=text)]
        case Accepted() as accepted:
            # an order that is filled as it arrives was never waiting there: its executions say everything
            filled_at_once = sum(each.quantity for each in new) == attempt.intent.quantity
            taken = [_accepted(attempt, accepted)] if AttemptState.ACCEPTED in steps and not filled_at_once else []
            return [*taken, *(_executed(attempt, each) for each in new), *_ended(attempt, accepted, steps)]
    return []


def _accepted(attempt: Attempt, answer: Accepted) -> OrderAccepted:
    return OrderAccepted(
        order_id=attempt.intent.order_id,
        account_id=attempt.intent.account_id,
        broker=attempt.broker,
        broker_order_id=answer.broker_order_id,
        accepted_at=answer.accepted_at,
    )


def _executed(attempt: Attempt, execution: Execution) -> OrderExecuted:
    assert attempt.broker_order_id is not None
    return OrderExecuted(
        order_id=attempt.intent.order_id,
        account_id=attempt.intent.account_id,
        broker=attempt.broker,
        broker_order_id=attempt.broker_order_id,
        execution_id=execution.execution_id,
        symbol=attempt.intent.symbol,
        side=attempt.intent.side,
        quantity=execution.quantity,
        price=execution.price,
        fee=execution.fee,
        tax=execution.tax,
        trade_date=execution.trade_date,
        settlement_date=execution.settlement_date,
        executed_at=execution.executed_at,
    )


def _ended(attempt: Attempt, answer: Accepted, steps: tuple[AttemptState, ...]) -> list[Event]:
    order_id, account_id = attempt.intent.order_id, attempt.intent.account_id
    if answer.ended is None:
        return []
    quantity = answer.ended.quantity
    if AttemptState.CANCELED in steps:
        canceled = OrderCanceled(
            order_id=order_id, account_id=account_id, broker=attempt.broker, canceled_quantity=quantity
        )
        return [canceled]
    if AttemptState.EXPIRED in steps:
        return [OrderExpired(order_id=order_id, account_id=account_id, canceled_quantity=quantity)]
    return []
