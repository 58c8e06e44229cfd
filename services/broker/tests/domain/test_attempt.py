"""The transition table of attempts, whole, and what answers do that repeat, overtake or contradict each other."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product

import pytest
from broker.domain.attempt import TRANSITIONS, UNSETTLED, Attempt, AttemptState, ImpossibleTransition, learn
from broker.domain.order import Accepted, Answer, Ended, Refused, Unanswered
from kit.ids import new_id

from services.broker.tests.builders import an_order

MOMENT = datetime(2024, 12, 16, 1, tzinfo=UTC)
ACCEPTED = Accepted("1", MOMENT)
CANCELED = Accepted("1", MOMENT, ended=Ended("canceled", Decimal(10)))
EXPIRED = Accepted("1", MOMENT, ended=Ended("expired", Decimal(10)))
REFUSED = Refused("market_closed", "closed")
SILENCE = Unanswered("no answer")


def an_attempt(state: str) -> Attempt:
    return Attempt(an_order("005930"), "simulator", AttemptState(state), None, new_id(), MOMENT)


@pytest.mark.requirement("R-3")
@pytest.mark.parametrize(("before", "after"), list(product(AttemptState, AttemptState)))
def test_an_attempt_goes_only_where_the_table_allows(before: AttemptState, after: AttemptState) -> None:
    attempt = an_attempt(before)
    if after in TRANSITIONS[before]:
        assert attempt.then(after).state is after
    else:
        with pytest.raises(ImpossibleTransition):
            attempt.then(after)


def test_every_state_has_a_row_and_only_unsettled_ones_wait_for_an_answer() -> None:
    assert set(TRANSITIONS) == set(AttemptState)
    assert {state for state in AttemptState if not an_attempt(state).is_settled} == UNSETTLED


@pytest.mark.parametrize(
    ("state", "answer", "steps"),
    [
        ("sending", ACCEPTED, ["accepted"]),
        ("sending", CANCELED, ["accepted", "canceled"]),
        ("sending", EXPIRED, ["accepted", "expired"]),
        ("sending", REFUSED, ["rejected"]),
        ("sending", SILENCE, ["unknown"]),
        ("unknown", ACCEPTED, ["accepted"]),
        ("unknown", CANCELED, ["accepted", "canceled"]),
        ("unknown", REFUSED, ["rejected"]),
        ("unknown", SILENCE, []),
        ("accepted", ACCEPTED, []),
        ("accepted", CANCELED, ["canceled"]),
        ("accepted", EXPIRED, ["expired"]),
        ("accepted", SILENCE, []),
        ("rejected", REFUSED, []),
        ("rejected", SILENCE, []),
        ("canceled", ACCEPTED, []),
        ("canceled", CANCELED, []),
        ("expired", EXPIRED, []),
        ("expired", ACCEPTED, []),
    ],
)
def test_an_answer_changes_only_what_was_not_known(state: str, answer: Answer, steps: list[str]) -> None:
    attempt, taken = learn(an_attempt(state), answer)
    assert list(taken) == steps
    assert attempt.state == (steps[-1] if steps else state)


@pytest.mark.parametrize(
    ("state", "answer"), [("accepted", REFUSED), ("rejected", ACCEPTED), ("canceled", EXPIRED), ("expired", REFUSED)]
)
def test_answers_that_contradict_each_other_are_an_error(state: str, answer: Answer) -> None:
    with pytest.raises(ImpossibleTransition):
        learn(an_attempt(state), answer)
