"""Settle the first answer to an attempt, which is all that is known of it."""

from kit.db import Session

from broker.domain.attempt import Attempt, AttemptState, learn
from broker.domain.order import Accepted, Refused
from broker.events import facts_of
from broker.store import attempts
from broker.store.attempts import Seen


async def settle_first(session: Session, attempt: Attempt, answer: Accepted | Refused, seen: Seen) -> bool:
    """Take in the answer to an attempt that was just begun, with the message that asked for it, by one statement.

    False when somebody has told of the order already: then nothing was written, and `settle_attempt` finds out what
    is new. The statement needs no transaction around it.
    """
    assert attempt.state is AttemptState.SENDING, "nothing is known of it yet"
    after, steps = learn(attempt, answer)
    heard = answer.executions if isinstance(answer, Accepted) else ()
    return await attempts.save_first(
        session, attempt.intent.owner, after, heard, facts_of(after, steps, answer, heard), seen
    )
