"""Resting orders against the best bid and ask: price, time, size, and what each time in force means."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant.matching import Fill, RestingOrder, Top, match, match_all

TOP = Top(bid=Decimal(70_000), bid_size=Decimal(500), ask=Decimal(70_100), ask_size=Decimal(420))


def an_order(key: str = "a", side: str = "buy", quantity: int = 10, **values: object) -> RestingOrder:
    values.setdefault("sequence", 1)
    limit = values.pop("limit", None)
    return RestingOrder(
        key,
        side,
        Decimal(quantity),
        limit_price=None if limit is None else Decimal(limit),
        order_type="market" if limit is None else "limit",
        **values,
    )


class TestOneOrder:
    def test_a_market_buy_takes_the_ask_and_a_market_sale_the_bid(self) -> None:
        assert match(an_order(side="buy"), TOP) == [Fill("a", Decimal(70_100), Decimal(10))]
        assert match(an_order(side="sell"), TOP) == [Fill("a", Decimal(70_000), Decimal(10))]

    def test_a_limit_waits_until_the_market_comes_to_it(self) -> None:
        assert match(an_order(limit=70_000), TOP) == []
        assert match(an_order(limit=70_100), TOP) == [Fill("a", Decimal(70_100), Decimal(10))]
        assert match(an_order(side="sell", limit=70_100), TOP) == []

    def test_a_new_order_gets_the_better_price_of_the_market(self) -> None:
        assert match(an_order(limit=71_000), TOP) == [Fill("a", Decimal(70_100), Decimal(10))]

    def test_an_order_that_waited_trades_at_its_own_price(self) -> None:
        assert match(an_order(limit=71_000, rested=True), TOP) == [Fill("a", Decimal(71_000), Decimal(10))]

    def test_no_more_than_the_size_shown_is_filled(self) -> None:
        assert match(an_order(quantity=1_000), TOP) == [Fill("a", Decimal(70_100), Decimal(420))]

    def test_an_empty_side_fills_nothing(self) -> None:
        empty = Top(bid=None, bid_size=Decimal(0), ask=None, ask_size=Decimal(0))
        assert match(an_order(), empty) == []
        assert match(an_order(side="sell"), empty) == []
        assert match(an_order(), Top(Decimal(1), Decimal(1), Decimal(2), Decimal(0))) == []

    @pytest.mark.parametrize("quantity", ["0", "-1", "NaN"])
    def test_an_order_for_nothing_is_refused(self, quantity: str) -> None:
        with pytest.raises(ValueError, match="positive"):
            RestingOrder("a", "buy", Decimal(quantity), 1, Decimal(1))

    def test_a_limit_price_belongs_to_limit_orders_only(self) -> None:
        with pytest.raises(ValueError, match="limit price"):
            RestingOrder("a", "buy", Decimal(1), 1, None, "limit")
        with pytest.raises(ValueError, match="limit price"):
            RestingOrder("a", "buy", Decimal(1), 1, Decimal(1), "market")


class TestTimeInForce:
    def test_immediate_or_cancel_keeps_what_it_got_and_drops_the_rest(self) -> None:
        result = match_all([an_order(quantity=1_000, time_in_force="ioc")], TOP)
        assert [fill.quantity for fill in result.fills] == [420]
        assert result.canceled == ("a",)

    def test_fill_or_kill_is_all_or_nothing_and_leaves_the_size_to_others(self) -> None:
        killed = an_order("a", quantity=421, time_in_force="fok", sequence=1)
        result = match_all([killed, an_order("b", quantity=420, time_in_force="fok", sequence=2)], TOP)
        assert result.fills == (Fill("b", Decimal(70_100), Decimal(420)),)
        assert result.canceled == ("a",)

    def test_a_day_order_rests_with_what_is_open(self) -> None:
        assert match_all([an_order(quantity=1_000)], TOP).canceled == ()

    def test_a_filled_immediate_order_is_not_also_canceled(self) -> None:
        assert match_all([an_order(time_in_force="ioc")], TOP).canceled == ()


class TestManyOrders:
    def test_market_orders_go_first_then_the_better_price_then_the_earlier(self) -> None:
        orders = [
            an_order("late", limit=70_200, sequence=4),
            an_order("early", limit=70_200, sequence=2),
            an_order("poor", limit=70_100, sequence=1),
            an_order("market", sequence=9),
        ]
        assert [fill.key for fill in match_all(orders, TOP).fills] == ["market", "early", "late", "poor"]

    def test_each_size_is_used_up_once(self) -> None:
        orders = [an_order("a", quantity=400, sequence=1), an_order("b", quantity=400, sequence=2)]
        result = match_all(orders, TOP)
        assert [(fill.key, fill.quantity) for fill in result.fills] == [("a", 400), ("b", 20)]
        assert (result.left.ask_size, result.left.bid_size) == (0, 500)
        assert match_all([an_order("c", sequence=3)], result.left).fills == ()

    def test_our_own_buyers_and_sellers_meet_the_market_and_not_each_other(self) -> None:
        orders = [an_order("b", "buy", limit=70_050), an_order("s", "sell", limit=70_040)]
        assert match_all(orders, TOP).fills == ()


ORDERS = st.lists(
    st.builds(
        lambda side, quantity, limit, tif, rested: (side, quantity, limit, tif, rested),
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 50),
        st.one_of(st.none(), st.integers(95, 105)),
        st.sampled_from(["day", "ioc", "fok"]),
        st.booleans(),
    ),
    max_size=12,
).map(
    lambda rows: [
        an_order(f"o{index}", side, quantity, limit=limit, time_in_force=tif, rested=rested, sequence=index)
        for index, (side, quantity, limit, tif, rested) in enumerate(rows)
    ]
)
TOPS = st.builds(
    lambda bid, spread, bid_size, ask_size: Top(Decimal(bid), Decimal(bid_size), Decimal(bid + spread), ask_size),
    st.integers(95, 104),
    st.integers(1, 3),
    st.integers(0, 80),
    st.integers(0, 80).map(Decimal),
)


@given(orders=ORDERS, top=TOPS)
def test_fills_exceed_neither_the_order_nor_the_size_shown(orders: list[RestingOrder], top: Top) -> None:
    by_key = {order.key: order for order in orders}
    result = match_all(orders, top)
    filled = {"buy": Decimal(0), "sell": Decimal(0)}
    for fill in result.fills:
        assert 0 < fill.quantity <= by_key[fill.key].quantity
        filled[by_key[fill.key].side] += fill.quantity
    assert len({fill.key for fill in result.fills}) == len(result.fills)
    assert top.ask_size - result.left.ask_size == filled["buy"] <= top.ask_size
    assert top.bid_size - result.left.bid_size == filled["sell"] <= top.bid_size


@given(orders=ORDERS, top=TOPS)
def test_no_fill_is_worse_than_the_limit_or_better_than_the_market(orders: list[RestingOrder], top: Top) -> None:
    by_key = {order.key: order for order in orders}
    for fill in match_all(orders, top).fills:
        order = by_key[fill.key]
        if order.side == "buy":
            assert fill.price >= top.ask
            assert order.limit_price is None or fill.price <= order.limit_price
        else:
            assert fill.price <= top.bid
            assert order.limit_price is None or fill.price >= order.limit_price


@given(orders=ORDERS, top=TOPS)
def test_nobody_is_filled_while_a_better_day_order_is_left_hungry(orders: list[RestingOrder], top: Top) -> None:
    result = match_all(orders, top)
    got = {fill.key: fill.quantity for fill in result.fills}

    def rank(order: RestingOrder) -> tuple[Decimal, int]:
        best = Decimal("-Infinity")
        if order.limit_price is not None:
            best = -order.limit_price if order.side == "buy" else order.limit_price
        return best, order.sequence

    hungry = [order for order in orders if order.time_in_force == "day" and got.get(order.key, 0) < order.quantity]
    for better in hungry:
        for other in orders:
            if other.side == better.side and rank(other) > rank(better):
                assert other.key not in got


@given(orders=ORDERS, top=TOPS, data=st.data())
def test_the_result_does_not_depend_on_how_orders_are_listed(
    orders: list[RestingOrder], top: Top, data: st.DataObject
) -> None:
    assert match_all(data.draw(st.permutations(orders)), top) == match_all(orders, top)
