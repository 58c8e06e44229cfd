"""Orders for all or nothing: whoever they would meet, and wherever trading would be interrupted."""

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st
from quant.matching import Interruption, Outside, Refusal

from libs.quant.tests.test_matching import PRICES, RULES, an_exchange, an_order

MEMBERS = st.sampled_from(["", "mine", "yours"])


@example([("sell", 21, None, "")], ("buy", 2, 69_500, ""), (69_500, 20, 1), 1)
@given(
    st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 9), st.none() | PRICES, MEMBERS), max_size=40),
    st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 30), st.none() | PRICES, MEMBERS),
    st.tuples(PRICES, st.integers(0, 20), st.integers(0, 20)),
    st.integers(0, 2),
)
@settings(max_examples=300, deadline=None)
def test_all_or_nothing_is_all_or_nothing_whoever_it_meets_and_whatever_interrupts(
    before: list, last: tuple, shown: tuple, slippage: int
) -> None:
    near = Interruption(dynamic=Decimal("0.005"))
    exchange = an_exchange(replace(RULES, interruption=near, slippage_ticks=slippage))
    for number, (side, quantity, price, account) in enumerate(before):
        exchange.enter(an_order(str(number), side, quantity, price, account=account))
    bid, bid_size, ask_size = shown
    exchange.quote(Outside(Decimal(bid), Decimal(bid_size), Decimal(bid + 100), Decimal(ask_size)))
    side, quantity, price, account = last
    order = an_order("last", side, quantity, price, account=account, time_in_force="fok")
    others = replace(order, key="other", time_in_force="ioc")
    twin = deepcopy(exchange)
    outcome = exchange.enter(order)
    if isinstance(outcome, Refusal):
        return
    filled = sum(fill.quantity for fill in outcome.fills if fill.key == "last")
    assert filled in (0, quantity)
    possible = sum(fill.quantity for fill in twin.enter(others).fills if fill.key == "other")
    assert (filled == quantity) == (possible == quantity), "and all when it can be"
