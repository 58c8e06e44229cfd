"""Positions are a fold of what happened: at moving-average cost and from the oldest lots, with nothing lost."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.ids import new_id
from trading.domain.history import (
    Adjusted,
    Booking,
    Lot,
    Traded,
    lots_of,
    positions_of,
    sales_at_average_cost,
    sales_from_oldest_lots,
)
from trading.domain.position import Oversold
from trading.domain.request import AccountId

ACCOUNT = AccountId(new_id())


def traded(booked: int, side: str, quantity: int, price: int, **changes: Any) -> Traded:
    values: dict[str, Any] = {
        "booked": booked,
        "symbol": "005930",
        "market": "KRX",
        "currency": "KRW",
        "side": side,
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "fee": Decimal(quantity * price * 15 // 100_000),
        "tax": Decimal(quantity * price * 2 // 1_000 if side == "sell" else 0),
        "on": date(2024, 12, booked % 28 + 1),
        "settles_on": date(2024, 12, booked % 28 + 3),
    }
    return Traded(**(values | changes))


def adjusted(booked: int, movement: str, quantity: str, **changes: Any) -> Adjusted:
    values: dict[str, Any] = {
        "booked": booked,
        "symbol": "005930",
        "market": "KRX",
        "currency": "KRW",
        "movement": movement,
        "quantity": Decimal(quantity),
        "cost": Decimal(0),
        "realized_profit": Decimal(0),
        "ratio": None,
        "on": date(2024, 12, 20),
    }
    return Adjusted(**(values | changes))


STORY: list[Booking] = [
    traded(1, "buy", 10, 50_000),
    traded(2, "buy", 10, 60_000),
    traded(3, "sell", 15, 58_000),
]


def test_the_average_cost_is_what_korean_brokers_show() -> None:
    (sale,) = sales_at_average_cost(ACCOUNT, STORY)
    assert sale.cost == (500_075 + 600_090) * Decimal(15) / 20
    assert sale.profit == 870_000 - 130 - 1_740 - Decimal("825123.75")
    position = positions_of(ACCOUNT, STORY)["005930"]
    assert (position.quantity, position.average_price) == (5, Decimal("55008.25"))
    assert position.realized_profit == sale.profit


def test_the_oldest_lots_are_sold_first() -> None:
    (sale,) = sales_from_oldest_lots(STORY)
    assert sale.cost == 500_075 + 600_090 / Decimal(2)
    assert sale.held_since == date(2024, 12, 2)
    assert lots_of(STORY) == {"005930": [Lot(quantity=Decimal(5), cost=Decimal(300_045), on=date(2024, 12, 3))]}


def test_a_split_multiplies_every_lot_at_the_same_cost() -> None:
    story = [*STORY, adjusted(4, "split", "245", ratio=Decimal(50))]
    assert lots_of(story)["005930"][0].quantity == positions_of(ACCOUNT, story)["005930"].quantity == 250
    assert lots_of(story)["005930"][0].cost == 300_045


def test_a_correction_is_a_lot_of_its_own_or_takes_the_oldest_and_a_reset_takes_all() -> None:
    more = [*STORY, adjusted(4, "correction", "2", cost=Decimal(100_000))]
    assert [lot.quantity for lot in lots_of(more)["005930"]] == [5, 2]
    fewer = [*more, adjusted(5, "correction", "-6", cost=Decimal(-330_000))]
    assert [lot.quantity for lot in lots_of(fewer)["005930"]] == [1]
    assert lots_of([*fewer, adjusted(6, "reset", "-1")]) == {}


def test_selling_more_than_there_is_is_no_history() -> None:
    with pytest.raises(Oversold):
        sales_from_oldest_lots([traded(1, "buy", 1, 100), traded(2, "sell", 2, 100)])


@st.composite
def stories(draw: st.DrawFn) -> list[Booking]:
    """A history of buys and of sales of what there is, of one symbol, that may or may not end with nothing."""
    story: list[Booking] = []
    have = 0
    for number in range(1, draw(st.integers(1, 25))):
        if have and draw(st.booleans()):
            quantity = draw(st.integers(1, have))
            story.append(traded(number, "sell", quantity, draw(st.integers(1, 900_000))))
            have -= quantity
        else:
            quantity = draw(st.integers(1, 1_000))
            story.append(traded(number, "buy", quantity, draw(st.integers(1, 900_000))))
            have += quantity
    if have and draw(st.booleans()):
        story.append(traded(26, "sell", have, draw(st.integers(1, 900_000))))
    return story


@pytest.mark.requirement("R-21")
@given(story=stories())
@settings(max_examples=300, deadline=None)
def test_both_views_hold_the_same_shares_and_lose_no_won(story: list[Booking]) -> None:
    paid = sum((item.cost for item in story if isinstance(item, Traded) and item.side == "buy"), Decimal(0))
    for sales, cost_left in (
        (
            sales_from_oldest_lots(story),
            sum((lot.cost for lots in lots_of(story).values() for lot in lots), Decimal(0)),
        ),
        (
            sales_at_average_cost(ACCOUNT, story),
            sum((item.cost for item in positions_of(ACCOUNT, story).values()), Decimal(0)),
        ),
    ):
        assert sum((sale.cost for sale in sales), Decimal(0)) + cost_left == paid
    shares = {symbol: sum(lot.quantity for lot in lots) for symbol, lots in lots_of(story).items()}
    assert shares == {symbol: item.quantity for symbol, item in positions_of(ACCOUNT, story).items() if item.quantity}
    if not shares:
        first, second = sales_from_oldest_lots(story), sales_at_average_cost(ACCOUNT, story)
        assert sum(sale.profit for sale in first) == sum(sale.profit for sale in second)
