"""Settle what a broker said about an order: keep what is new of it and announce exactly that."""

from kit import context
from kit.db import Session
from kit.events import record

from broker.domain.attempt import Attempt, learn
from broker.domain.increment import execution_between
from broker.domain.order import Accepted, Answer, ClientKey, Execution
from broker.events import facts_of
from broker.store import attempts, system


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
    await record(session, *facts_of(after, steps, answer, new), owner=attempt.intent.owner)
    return True


async def _heard(session: Session, attempt: Attempt, answer: Answer) -> tuple[Execution, ...]:
    """The executions in an answer; of a sum, the part beyond what is known. A smaller sum than before is old news."""
    if not isinstance(answer, Accepted):
        return ()
    if answer.progress is None:
        return answer.executions
    quantity, amount = await attempts.sum_executions(session, attempt.intent.owner, attempt.intent.order_id)
    increment = execution_between(attempt, quantity, amount, answer.progress)
    return () if increment is None else (increment,)
