"""An attempt to have an order at a broker: one per order, its states, and what each answer changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from broker.domain.order import Accepted, Answer, Ended, OrderIntent, Refused


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

    @property
    def is_settled(self) -> bool:
        return self.state not in UNSETTLED

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
