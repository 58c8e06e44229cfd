"""Settle first answers to attempts, which are all that is known of them."""

from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from kit.db import Session

from broker.domain.attempt import Attempt, AttemptState, learn
from broker.domain.order import Accepted, Refused
from broker.events import facts_of
from broker.store import portions
from broker.store.portions import First, Seen


@dataclass(frozen=True, slots=True)
class Answered:
    """An attempt that was just begun, the answer to it, and the message that asked for it, in that one's context."""

    attempt: Attempt
    answer: Accepted | Refused
    seen: Seen
    context: Context = field(default_factory=copy_context)


async def settle_first(session: Session, answered: Sequence[Answered]) -> list[bool]:
    """Take in answers to attempts that were just begun, each with its message, in one round trip: all, or none.

    False for each that somebody has told of already: then nothing of it was written, and `settle_attempt` finds out
    what is new. The statement needs no transaction around it.
    """
    return await portions.save_first(session, [_learned(each) for each in answered])


def _learned(each: Answered) -> First:
    assert each.attempt.state is AttemptState.SENDING, "nothing is known of it yet"
    after, steps = learn(each.attempt, each.answer)
    heard = each.answer.executions if isinstance(each.answer, Accepted) else ()
    return First(after, heard, facts_of(after, steps, each.answer, heard), each.seen, each.context)
