"""Positions and the ledger: nothing is lost to rounding, and no movement makes or destroys money."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.ids import new_id
from trading.domain import ledger
from trading.domain.ledger import Book, Posting, Transaction, Unbalanced
from trading.domain.order import Happening
from trading.domain.portfolio import Valued
from trading.domain.position import Oversold, Position
from trading.domain.request import AccountId

from services.trading.tests.builders import NOW, SAMSUNG, a_fill, an_order

ACCOUNT = AccountId(new_id())


def nothing() -> Position:
    return Position(account_id=ACCOUNT, symbol=SAMSUNG, market="KRX", currency="KRW")


class TestPosition:
    def test_the_fee_of_a_buy_is_part_of_the_cost(self) -> None:
        assert nothing().bought(Decimal(10), Decimal(560_083)).average_price == Decimal("56008.3")

    def test_a_sale_realises_what_it_brings_over_the_average_cost(self) -> None:
        sold = nothing().bought(Decimal(10), Decimal(560_083)).sold(Decimal(5), Decimal(282_500 - 42 - 507))
        assert (sold.quantity, sold.average_price) == (5, Decimal("56008.3"))
        assert sold.realized_profit == Decimal("1909.5")

    def test_selling_what_is_not_there_raises(self) -> None:
        with pytest.raises(Oversold, match="has 1 of 005930, 2 were sold"):
            nothing().bought(Decimal(1), Decimal(100)).sold(Decimal(2), Decimal(200))

    @pytest.mark.requirement("R-21")
    @given(
        trades=st.lists(
            st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 1000), st.integers(1, 10**9)), max_size=30
        )
    )
    @settings(max_examples=300, deadline=None)
    def test_profit_is_what_came_in_less_what_went_out_less_what_is_left(
        self, trades: list[tuple[str, int, int]]
    ) -> None:
        position, paid, received = nothing(), Decimal(0), Decimal(0)
        for side, quantity, amount in trades:
            if side == "buy":
                position, paid = position.bought(Decimal(quantity), Decimal(amount)), paid + amount
            elif quantity <= position.quantity:
                position, received = position.sold(Decimal(quantity), Decimal(amount)), received + amount
            assert position.realized_profit == received - paid + position.cost
            assert position.cost >= 0
            assert position.quantity > 0 or position.cost == 0


class TestValue:
    def test_it_is_reckoned_with_the_last_price(self) -> None:
        valued = Valued(position=nothing().bought(Decimal(10), Decimal(560_083)), last_price=Decimal(57_000))
        assert (valued.market_value, valued.unrealized_profit, valued.valued_at) == (570_000, 9_917, "last_price")

    def test_without_a_price_it_is_the_cost_and_says_so(self) -> None:
        valued = Valued(position=nothing().bought(Decimal(10), Decimal(560_083)), last_price=None)
        assert (valued.market_value, valued.unrealized_profit, valued.valued_at) == (560_083, 0, "average_price")


class TestLedger:
    @pytest.mark.requirement("R-18")
    def test_an_unbalanced_transaction_cannot_be_made(self) -> None:
        with pytest.raises(Unbalanced):
            Transaction("x", "deposit", ACCOUNT, "KRW", (Posting(Book.CASH, Decimal(1)),), NOW)

    def test_a_buy_is_paid_from_its_hold_and_the_difference_is_freed(self) -> None:
        order = an_order(quantity=Decimal(10), limit_price=Decimal(56_100))
        fill = a_fill(order, price=Decimal(56_000))
        movement = ledger.bought(order.filled_by(fill, NOW), fill, order.held)
        books = {posting.book: posting.amount for posting in movement.postings}
        assert books == {Book.HELD: -561_084, Book.CASH: 561_084, Book.PAYABLE: -560_084, Book.SHARES: 560_084}
        assert movement.available == 1_000

    def test_a_sale_posts_fee_and_tax_apart_and_its_profit_adds_up(self) -> None:
        order = an_order(side="sell", quantity=Decimal(5))
        fill = a_fill(order, price=Decimal(56_500), tax=Decimal(507))
        movement = ledger.sold(order.filled_by(fill, NOW), fill, Decimal("280041.5"))
        assert movement.total(Book.RECEIVABLE) == movement.available == 282_500 - 42 - 507
        costs = (Book.GAINS, Book.FEES, Book.TAXES)
        assert -sum(movement.total(book) for book in costs) == Decimal("1909.5")

    def test_a_posting_of_nothing_is_left_out(self) -> None:
        order = an_order(quantity=Decimal(10))
        fill = a_fill(order)
        movement = ledger.bought(order.filled_by(fill, NOW), fill, order.held)
        assert {posting.book for posting in movement.postings} == {Book.HELD, Book.CASH, Book.PAYABLE, Book.SHARES}

    @pytest.mark.requirement("R-18", "R-20")
    @given(
        parts=st.lists(st.integers(1, 400), min_size=1, max_size=12),
        price=st.integers(100, 90_000),
        ends=st.integers(0, 12),
        data=st.data(),
    )
    @settings(max_examples=200, deadline=None)
    def test_a_buys_whole_life_moves_no_more_than_it_costs(
        self, parts: list[int], price: int, ends: int, data: st.DataObject
    ) -> None:
        order = an_order(quantity=Decimal(sum(parts)), limit_price=Decimal(price))
        movements, spent = [ledger.hold(order)], Decimal(0)
        for quantity in parts[:ends]:
            fill = a_fill(order, quantity=Decimal(quantity), price=Decimal(data.draw(st.integers(1, price))))
            after = order.filled_by(fill, NOW)
            movements.append(ledger.bought(after, fill, order.held - after.held))
            order, spent = after, spent + fill.value + fill.fee
        if order.is_open:
            movements.append(ledger.release(order.after(Happening.CANCELED, NOW), order.held))
        assert sum(movement.total(Book.HELD) for movement in movements) == 0
        assert sum(movement.available for movement in movements) == -spent
        assert sum(movement.total(Book.SHARES) for movement in movements) == spent
        assert len({movement.key for movement in movements}) == len(movements)
