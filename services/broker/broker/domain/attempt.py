"""An attempt to have an order at a broker: one per order, its states, and what each answer changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from broker.domain.order import Absent, Accepted, Ambiguous, Answer, Ended, OrderIntent, Refused, Unanswered, Unaskable


class AttemptState(StrEnum):
    """Where an attempt stands, as far as we know."""

    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"


_S = AttemptState
TRANSITIONS: Final[Mapping[AttemptState, frozenset[AttemptState]]] = {
    _S.SENDING: frozenset({_S.UNKNOWN, _S.ACCEPTED, _S.REJECTED}),
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.REJECTED}),
    _S.ACCEPTED: frozenset({_S.CANCELED, _S.EXPIRED}),
    _S.REJECTED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
}
LOOKS_MIN: Final = 3
LOOK_EVERY: Final = timedelta(seconds=20)
LOOK_FOR: Final = timedelta(seconds=60)
"""An order is not placed when its broker's whole list was read so often, spread over so long, and never showed it."""
_UNASKABLE: Final = (
    "{title} cannot be asked, since the connection of this order was deleted: look there yourself. Cancel the order if "
    "it is there, and answer that it was not placed if it is not."
)
UNSETTLED: Final = frozenset({_S.SENDING, _S.UNKNOWN})


class ImpossibleTransition(Exception):
    """Two answers about one order contradict each other: somebody has to look."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One order on its way to one broker."""

    intent: OrderIntent
    broker: str
    state: AttemptState
    broker_order_id: str | None
    correlation_id: UUID
    begun_at: datetime
    looks: int = 0
    first_look_at: datetime | None = None
    needs_human: bool = False

    @property
    def is_settled(self) -> bool:
        return self.state not in UNSETTLED

    def is_due(self, moment: datetime) -> bool:
        """Whether it is time to look again: a broker's list is not asked more often than it can change our mind."""
        return self.first_look_at is None or moment >= self.first_look_at + self.looks * LOOK_EVERY

    def looked(
        self, evidence: Absent | Ambiguous | Unaskable, title: str, moment: datetime
    ) -> tuple["Attempt", Answer]:
        """What follows from a list that does not settle the matter: more patience, a human, or a certain no."""
        since = self.first_look_at or moment
        after = replace(self, looks=self.looks + 1, first_look_at=since)
        if isinstance(evidence, Unaskable):
            return replace(after, needs_human=True), Unanswered(_UNASKABLE.format(title=title))
        if isinstance(evidence, Ambiguous):
            seen = ", ".join(evidence.candidates)
            return replace(after, needs_human=True), Unanswered(f"{title} shows {seen}: somebody has to say which.")
        if after.looks >= LOOKS_MIN and moment - since >= LOOK_FOR:
            return after, Refused("not_placed", f"{title} never showed the order: it did not arrive.")
        return after, Unanswered(f"{title} does not show the order yet; its list is asked again.")

    def then(self, state: AttemptState) -> "Attempt":
        """This attempt in its next state.

        Raises:
            ImpossibleTransition: when there is no way from here to there.
        """
        if state not in TRANSITIONS[self.state]:
            raise ImpossibleTransition(f"order {self.intent.order_id} is {self.state} and cannot become {state}")
        return replace(self, state=state)


def learn(attempt: Attempt, answer: Answer) -> tuple[Attempt, tuple[AttemptState, ...]]:
    """What an answer changes: the attempt after it, and the states it went through, in order.

    Answers repeat and overtake each other; one that says nothing new changes nothing. Only a contradiction raises
    ImpossibleTransition.
    """
    steps = [step for step in _implied(answer) if _is_news(attempt.state, step)]
    for step in steps:
        attempt = attempt.then(step)
    if isinstance(answer, Accepted):
        attempt = replace(attempt, broker_order_id=answer.broker_order_id)
    return attempt, tuple(steps)


def _implied(answer: Answer) -> tuple[AttemptState, ...]:
    match answer:
        case Accepted(ended=None):
            return (_S.ACCEPTED,)
        case Accepted(ended=Ended(reason="canceled")):
            return (_S.ACCEPTED, _S.CANCELED)
        case Accepted():
            return (_S.ACCEPTED, _S.EXPIRED)
        case Refused():
            return (_S.REJECTED,)
        case _:
            return (_S.UNKNOWN,)


def _is_news(state: AttemptState, step: AttemptState) -> bool:
    if step is _S.UNKNOWN:
        return state is _S.SENDING
    if step is _S.ACCEPTED:
        return state not in {_S.ACCEPTED, _S.CANCELED, _S.EXPIRED}
    return step is not state
