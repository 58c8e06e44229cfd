"""An order as a state machine: any sequence of requests and reports, compared with a model that only counts."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from kit.ids import new_id
from trading.domain.order import OPEN, REPLACEABLE, TRANSITIONS, Happening, Illegal, Order, Status
from trading.domain.replacement import Terms, ask_replace, extra_hold, needed_hold, replace_rejected, replaced
from trading.domain.stop import trigger

from services.trading.tests.builders import NOW, a_fill, an_order

WORDS = [H for H in Happening if "REPLACE" not in H.name and "FILL" not in H.name and H is not Happening.TRIGGERED]
EXAMPLES = 300
STEPS = 60
ROUNDS_MAX = 20


class Life(RuleBasedStateMachine):
    """One order, everything that can be said about it, and a model of what it asks for, has filled, and held."""

    taken: ClassVar[Counter[tuple[Status, Status]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        self.order = an_order(quantity=Decimal(20))
        self.asked = Decimal(20)
        self.filled = Decimal(0)
        self.value = Decimal(0)
        self.pending: Terms | None = None

    def become(self, after: Order) -> None:
        before = self.order
        if after is not before:
            assert after.status in set(TRANSITIONS[before.status].values()) | {before.status}
            self.taken[before.status, after.status] += 1
        if not after.is_open:
            self.pending = None
        self.order = after

    @rule(stop=st.booleans())
    @precondition(lambda self: self.order.status is Status.SUBMITTED and not self.filled)
    def wait(self, stop: bool) -> None:
        if stop:
            held: dict[str, Any] = {"order_type": "stop", "stop_price": Decimal(57_000), "limit_price": None}
            self.order = replace(an_order(quantity=self.asked, **held), status=Status.HELD)

    @rule()
    @precondition(lambda self: self.order.status is Status.HELD)
    def price_comes(self) -> None:
        self.become(trigger(self.order, NOW))

    @rule(word=st.sampled_from(WORDS))
    def hear(self, word: Happening) -> None:
        try:
            self.become(self.order.after(word, NOW))
        except Illegal:
            return

    @rule()
    @precondition(lambda self: not self.order.is_open)
    def another_order(self) -> None:
        self.begin()

    @rule(less=st.integers(0, 3))
    @precondition(lambda self: self.order.remaining_quantity > 0)
    def fill_the_rest(self, less: int) -> None:
        self.filled_with(self.order.remaining_quantity, less)

    @rule(quantity=st.integers(1, 8), less=st.integers(0, 3))
    def fill_some(self, quantity: int, less: int) -> None:
        self.filled_with(Decimal(quantity), less)

    def filled_with(self, quantity: Decimal, less: int) -> None:
        price = (self.order.reserve_price or Decimal(56_100)) - 100 * less
        execution = a_fill(self.order, quantity=quantity, price=price)
        before = self.order
        try:
            after = before.filled_by(execution, NOW)
        except Illegal:
            assert before.status in {Status.HELD, Status.DENIED, Status.REJECTED} or self.filled + quantity > self.asked
            return
        self.filled += quantity
        self.value += execution.value
        if before.is_open:
            assert before.held - after.held >= execution.value + execution.fee
        self.become(after)

    @rule(more=st.integers(1, 30), price=st.integers(400, 700))
    @precondition(lambda self: self.order.status in REPLACEABLE)
    def ask(self, more: int, price: int) -> None:
        limit = None if self.order.limit_price is None else Decimal(price * 100)
        terms = Terms(replace_id=new_id(), quantity=self.filled + more, limit_price=limit)
        extra = extra_hold(self.order, terms)
        self.become(ask_replace(self.order, terms, extra, NOW))
        self.pending = terms

    @rule(agrees=st.booleans())
    @precondition(lambda self: self.pending is not None)
    def answer(self, agrees: bool) -> None:
        terms = self.pending
        assert terms is not None
        if agrees and terms.quantity < self.filled:
            with pytest.raises(Illegal):
                replaced(self.order, terms, NOW)
            return
        if agrees:
            self.asked = terms.quantity
            after = replaced(self.order, terms, NOW)
        else:
            after = replace_rejected(self.order, terms.replace_id, None, NOW)
        self.pending = None
        self.become(after)

    @rule()
    def answer_nothing(self) -> None:
        """An answer to a question that was not asked, or is settled, changes nothing."""
        try:
            assert replace_rejected(self.order, new_id(), None, NOW) is self.order
        except Illegal:
            assert self.order.status in {Status.SUBMITTED, Status.UNKNOWN, Status.HELD, Status.DENIED}

    @invariant()
    def figures_agree(self) -> None:
        order = self.order
        assert (order.quantity, order.filled_quantity, order.filled_value) == (self.asked, self.filled, self.value)
        assert (order.status is Status.FILLED) == (order.remaining_quantity == 0)
        assert order.is_open == (order.status in OPEN)
        assert order.is_open or order.held == order.replace_held == 0
        assert 0 <= order.replace_held <= order.held

    @invariant()
    def the_hold_is_enough(self) -> None:
        if self.order.is_open:
            needed = needed_hold(self.order, self.order.remaining_quantity, self.order.reserve_price)
            assert self.order.held - self.order.replace_held >= needed - self.order.fee


@pytest.mark.requirement("R-5", "R-7", "R-20")
def test_any_life_follows_the_table_and_takes_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    Life.taken.clear()
    kept = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    moves = {(status, after) for status, row in TRANSITIONS.items() for after in row.values() if after is not status}
    missing = moves
    for number in range(ROUNDS_MAX):  # what is drawn depends on which modules are loaded, so one round may miss a move
        run_state_machine_as_test(seed(number)(Life), settings=kept)
        missing = moves - set(Life.taken)
        if not missing:
            break
    with capsys.disabled():
        print(f" {len(moves) - len(missing)} of {len(moves)} moves taken;", end="")  # noqa: T201 - the coverage is the result
    assert not missing
