"""Settlement: which day it is for an account, what is due on it, and what may be withdrawn meanwhile."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.ids import new_id
from trading.domain import ledger
from trading.domain.account import Balance
from trading.domain.request import AccountId
from trading.domain.settlement import Unsettled, due, forecast, local_day, market_day, unsettled_by

from services.trading.tests.builders import NOW, a_fill, an_order

ACCOUNT = AccountId(new_id())
DAY = date(2024, 12, 16)


def pending(settles_on: date, incoming: int = 0, outgoing: int = 0, **changes: Any) -> Unsettled:
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "currency": "KRW",
        "settles_on": settles_on,
        "opened_by": f"e-{settles_on}",
        "symbol": "005930",
        "replayed": True,
        "incoming": Decimal(incoming),
        "outgoing": Decimal(outgoing),
    }
    return Unsettled(**(values | changes))


def a_balance(available: int, held: int = 0, incoming: int = 0, outgoing: int = 0) -> Balance:
    return Balance(
        account_id=ACCOUNT,
        currency="KRW",
        available=Decimal(available),
        held=Decimal(held),
        unsettled_in=Decimal(incoming),
        unsettled_out=Decimal(outgoing),
    )


def test_a_buy_of_half_a_million_leaves_today_and_tomorrow_as_they_are() -> None:
    outlook = forecast(a_balance(500_000, outgoing=500_000), [pending(date(2024, 12, 18), 0, 500_000)], DAY)
    assert (outlook.settled, outlook.next_day, outlook.all_settled) == (1_000_000, 1_000_000, 500_000)
    assert outlook.withdrawable == 500_000


def test_a_sale_arrives_the_day_after_tomorrow_and_is_not_withdrawable_before() -> None:
    outlook = forecast(a_balance(800_000, incoming=800_000), [pending(date(2024, 12, 18), 800_000)], DAY)
    assert (outlook.settled, outlook.next_day, outlook.all_settled) == (0, 0, 800_000)
    assert outlook.withdrawable == 0


def test_what_is_due_tomorrow_shows_tomorrow() -> None:
    items = [pending(date(2024, 12, 17), 0, 300), pending(date(2024, 12, 18), 1_000)]
    outlook = forecast(a_balance(1_200, incoming=1_000, outgoing=300), items, DAY)
    assert (outlook.settled, outlook.next_day, outlook.all_settled, outlook.withdrawable) == (500, 200, 1_200, 200)


def test_a_replayed_day_is_told_by_quotes_and_today_only_counts_where_it_was_traded() -> None:
    today = date(2026, 11, 26)
    assert market_day([True], [], today) is None
    assert market_day([True], [date(2024, 12, 17)], today) == date(2024, 12, 17)
    assert market_day([True, False], [date(2024, 12, 17)], today) == today


def test_due_is_what_settles_on_the_day_or_before() -> None:
    items = [pending(date(2024, 12, 18), 1), pending(date(2024, 12, 17), 2)]
    assert due(items, None) == []
    assert due(items, date(2024, 12, 17)) == [items[1]]
    assert due(items, date(2024, 12, 18)) == [items[1], items[0]]


def test_the_day_is_that_of_the_exchange() -> None:
    evening = datetime(2026, 11, 25, 22, tzinfo=UTC)
    assert (local_day("KRW", evening), local_day("USD", evening)) == (date(2026, 11, 26), date(2026, 11, 25))


@pytest.mark.requirement("R-18", "R-20")
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["buy", "sell", "day"]), st.integers(1, 40), st.integers(0, 400), st.integers(1, 3)),
        max_size=30,
    )
)
@settings(max_examples=300, deadline=None)
def test_settled_cash_never_goes_below_zero_however_days_jump(steps: list[tuple[str, int, int, int]]) -> None:
    """Trades on any days in any sequence: buys spend what is available, and any day may come."""
    available, waiting = Decimal(1_000_000), dict[date, Unsettled]()
    for kind, amount, offset, lag in steps:
        day = date.fromordinal(date(2024, 1, 1).toordinal() + offset)
        if kind == "day":
            for item in due(waiting.values(), day):
                del waiting[item.settles_on]
        else:
            order = an_order(side=kind, quantity=Decimal(amount), limit_price=Decimal(50_000))
            settles_on = date.fromordinal(day.toordinal() + lag)
            fill = a_fill(order, trade_date=day, settlement_date=settles_on)
            after = order.filled_by(fill, NOW)
            movement = ledger.bought(after, fill, order.held) if kind == "buy" else ledger.sold(after, fill, Decimal(1))
            if available + movement.available < 0:
                continue
            available += movement.available
            new = unsettled_by(fill, movement, order.symbol, waiting.values())
            old = waiting.get(new.settles_on)
            waiting[new.settles_on] = pending(
                new.settles_on,
                int(new.incoming + (old.incoming if old else 0)),
                int(new.outgoing + (old.outgoing if old else 0)),
            )
        assert available - sum(item.net for item in waiting.values()) >= 0
