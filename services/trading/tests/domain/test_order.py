"""An order moves along its table and nowhere else, whatever is reported in whatever sequence."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading.domain.order import OPEN, TRANSITIONS, Happening, Illegal, Order, Status

from services.trading.tests.builders import NOW, a_fill, an_order

FILLS = {Happening.PARTIALLY_FILLED, Happening.FILLED}
NEVER_REACHED = {Status.REPLACED}
WITH_FIGURES = {what for what in Happening if "REPLACE" in what.name} | {
    Happening.TRIGGERED
}  # test_replacement, test_stop
NEVER_REPORTED = {Happening.CANCEL_REJECTED_AFTER_FILL, *WITH_FIGURES}
LATER = NOW + timedelta(seconds=1)

CHANGES = {
    "submitted": "accepted>accepted rejected>rejected partially_filled>partially_filled filled>filled "
    "cancel_requested>pending_cancel canceled>canceled expired>expired unknown>unknown",
    "held": "triggered>submitted canceled>canceled expired>expired",
    "accepted": "rejected>rejected partially_filled>partially_filled filled>filled cancel_requested>pending_cancel "
    "canceled>canceled expired>expired replace_requested>pending_replace",
    "partially_filled": "partially_filled>partially_filled filled>filled cancel_requested>pending_cancel "
    "canceled>canceled expired>expired replace_requested>pending_replace replaced_by_what_is_filled>filled",
    "pending_replace": "rejected>rejected partially_filled>pending_replace filled>filled "
    "cancel_requested>pending_cancel canceled>canceled expired>expired replaced>accepted "
    "replaced_after_fill>partially_filled replaced_by_what_is_filled>filled replace_rejected>accepted "
    "replace_rejected_after_fill>partially_filled",
    "pending_cancel": "rejected>rejected partially_filled>pending_cancel filled>filled canceled>canceled "
    "cancel_rejected>accepted cancel_rejected_after_fill>partially_filled expired>expired "
    "replaced_by_what_is_filled>filled",
    "unknown": "accepted>accepted rejected>rejected partially_filled>partially_filled filled>filled "
    "cancel_requested>pending_cancel canceled>canceled expired>expired",
    "filled": "",
    "canceled": "partially_filled>canceled filled>filled",
    "expired": "partially_filled>expired filled>filled",
    "rejected": "",
    "denied": "",
}


def changes(status: Status) -> set[str]:
    """The edges of the table that change something: fills always do, in the figures."""
    row = TRANSITIONS.get(status, {})
    return {f"{what.name.lower()}>{after}" for what, after in row.items() if after is not status or what in FILLS}


@pytest.mark.requirement("R-5")
@pytest.mark.parametrize("status", [status for status in Status if status not in NEVER_REACHED])
def test_every_status_has_exactly_the_edges_that_are_published(status: Status) -> None:
    assert changes(status) == set(CHANGES[status].split())


@pytest.mark.requirement("R-5")
@pytest.mark.parametrize("status", sorted(set(Status) - OPEN))
def test_what_has_ended_takes_nothing_but_a_late_fill(status: Status) -> None:
    assert {happening for happening, after in TRANSITIONS.get(status, {}).items() if after is not status} <= FILLS


def test_what_is_not_listed_raises() -> None:
    denied = replace(an_order(), status=Status.DENIED, held=Decimal(0))
    for happening in set(Happening) - FILLS - WITH_FIGURES:
        with pytest.raises(Illegal, match="denied"):
            denied.after(happening, NOW)
    with pytest.raises(Illegal, match="denied"):
        denied.filled_by(a_fill(denied), NOW)


def test_old_news_returns_the_very_same_order() -> None:
    accepted = an_order().after(Happening.ACCEPTED, NOW)
    assert accepted.after(Happening.ACCEPTED, LATER) is accepted
    assert accepted.after(Happening.UNKNOWN, LATER) is accepted


def test_a_refused_cancel_gives_back_the_status_that_the_fills_make() -> None:
    untouched = an_order().after(Happening.CANCEL_REQUESTED, NOW)
    assert untouched.after(Happening.CANCEL_REJECTED, LATER).status is Status.ACCEPTED
    touched = untouched.filled_by(a_fill(untouched, quantity=Decimal(4)), NOW)
    assert touched.status is Status.PENDING_CANCEL
    assert touched.after(Happening.CANCEL_REJECTED, LATER).status is Status.PARTIALLY_FILLED


def test_a_refusal_after_a_fill_cannot_have_happened() -> None:
    order = an_order().after(Happening.CANCEL_REQUESTED, NOW)
    filled = order.filled_by(a_fill(order, quantity=Decimal(1)), NOW)
    with pytest.raises(Illegal, match="rejected after 1 were filled"):
        filled.after(Happening.REJECTED, LATER)


def test_more_than_was_asked_for_is_never_filled() -> None:
    order = an_order(quantity=Decimal(10))
    with pytest.raises(Illegal, match="asks for 10, but 11"):
        order.filled_by(a_fill(order, quantity=Decimal(11)), NOW)


@pytest.mark.requirement("R-5")
def test_a_late_fill_counts_and_leaves_the_order_canceled() -> None:
    canceled = an_order(quantity=Decimal(10)).after(Happening.CANCELED, NOW)
    late = canceled.filled_by(a_fill(canceled, quantity=Decimal(3)), LATER)
    assert (late.status, late.filled_quantity, late.held) == (Status.CANCELED, 3, 0)
    assert late.filled_by(a_fill(late), LATER).status is Status.FILLED


def test_the_average_price_is_exact_and_shown_to_eight_places() -> None:
    order = an_order(quantity=Decimal(3), limit_price=Decimal(56100))
    for price in (56000, 56000, 56100):
        order = order.filled_by(a_fill(order, quantity=Decimal(1), price=Decimal(price)), NOW)
    assert order.filled_value == 168_100
    assert order.average_price == Decimal("56033.33333333")


class TestHold:
    def test_it_shrinks_by_the_reserved_price_and_the_fee_that_was_paid(self) -> None:
        order = an_order(quantity=Decimal(10), limit_price=Decimal(56100))
        assert order.held == 561_084
        part = order.filled_by(a_fill(order, quantity=Decimal(4), price=Decimal(56000)), NOW)
        assert part.held == 561_084 - (4 * 56_100 + 33)
        assert part.filled_by(a_fill(part, price=Decimal(56000)), NOW).held == 0

    @pytest.mark.requirement("R-20")
    @pytest.mark.parametrize("end", [Happening.CANCELED, Happening.EXPIRED, Happening.REJECTED])
    def test_nothing_is_held_once_the_order_has_ended(self, end: Happening) -> None:
        assert an_order().after(end, NOW).held == 0

    def test_it_stays_while_a_cancel_or_an_answer_is_awaited(self) -> None:
        order = an_order()
        assert order.after(Happening.CANCEL_REQUESTED, NOW).held == order.held
        assert order.after(Happening.UNKNOWN, NOW).held == order.held

    @pytest.mark.requirement("R-20")
    @given(parts=st.lists(st.integers(1, 400), min_size=1, max_size=12), price=st.integers(100, 90_000), data=st.data())
    @settings(max_examples=200, deadline=None)
    def test_it_is_enough_for_any_split_at_or_below_the_reserved_price(
        self, parts: list[int], price: int, data: st.DataObject
    ) -> None:
        order = an_order(quantity=Decimal(sum(parts)), limit_price=Decimal(price))
        for quantity in parts:
            paid = data.draw(st.integers(1, price))
            fill = a_fill(order, quantity=Decimal(quantity), price=Decimal(paid))
            after = order.filled_by(fill, NOW)
            assert order.held - after.held >= fill.value + fill.fee
            order = after
        assert (order.status, order.held) == (Status.FILLED, 0)


def apply(order: Order, what: Happening, data: st.DataObject) -> Order:
    if what not in FILLS:
        return order.after(what, LATER)
    quantity = order.remaining_quantity if what is Happening.FILLED else Decimal(data.draw(st.integers(1, 12)))
    if not quantity:
        raise Illegal("nothing is left to fill")
    return order.filled_by(a_fill(order, quantity=quantity), LATER)


@pytest.mark.requirement("R-5")
@given(
    reports=st.lists(st.sampled_from(sorted(set(Happening) - NEVER_REPORTED)), max_size=25),
    side=st.sampled_from(["buy", "sell"]),
    data=st.data(),
)
@settings(max_examples=500, deadline=None)
def test_any_sequence_of_reports_takes_listed_edges_only(
    reports: list[Happening], side: str, data: st.DataObject
) -> None:
    order = an_order(side=side, quantity=Decimal(10))
    for what in reports:
        try:
            after = apply(order, what, data)
        except Illegal:
            continue
        assert after.status in set(TRANSITIONS[order.status].values())
        assert order.filled_quantity <= after.filled_quantity <= after.quantity
        assert (after.status is Status.FILLED) == (after.remaining_quantity == 0)
        assert 0 <= after.held <= order.held
        assert after.is_open or after.held == 0
        order = after
