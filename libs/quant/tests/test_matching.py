"""The exchange of one symbol: against a naive reference model, and rule by rule."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quant.markets.bands import price_band
from quant.matching import Clearing, Exchange, Interruption, Order, Outcome, Outside, Refusal, Rules, clear
from quant.matching.auction import Interest

ON = date(2026, 11, 2)
BASE = Decimal(70_000)
RULES = Rules("KOSPI", "stock", ON, price_band(BASE, "KOSPI", ON))
SHOWN = Outside(Decimal(70_000), Decimal(500), Decimal(70_100), Decimal(420))


def an_exchange(rules: Rules = RULES, phase: str = "continuous", seed: int = 0) -> Exchange:
    return Exchange(rules, phase=phase, base_price=BASE, seed=seed)


def an_order(key: str, side: str = "buy", quantity: int | str = 10, price: int | None = None, **more: object) -> Order:
    return Order(key, side, Decimal(quantity), None if price is None else Decimal(price), **more)


def entered(exchange: Exchange, *arguments: object, **more: object) -> Outcome:
    outcome = exchange.enter(an_order(*arguments, **more), at=0.0)
    assert isinstance(outcome, Outcome), outcome
    return outcome


def traded(outcome: Outcome | Refusal) -> list[tuple[str, int, int]]:
    assert isinstance(outcome, Outcome), outcome
    return [(key, int(price), int(quantity)) for key, price, quantity in outcome.fills]


@dataclass
class Naive:
    """The reference: a list of orders, searched anew for every share's partner. Slow, and plainly right."""

    book: list[list] = field(default_factory=list)

    def enter(self, key: str, side: str, quantity: int, price: int | None, when: str) -> list[tuple[str, int, int]]:
        """What trades; `book` holds [key, side, open, price], oldest first."""
        fills: list[tuple[str, int, int]] = []
        makers = [each for each in self.book if each[1] != side and self._meet(side, price, each[3])]
        makers.sort(key=lambda each: each[3] if side == "buy" else -each[3])
        if when == "fok" and sum(each[2] for each in makers) < quantity:
            return fills
        for maker in makers:
            share = min(quantity, maker[2])
            if share:
                fills += [(maker[0], maker[3], share), (key, maker[3], share)]
            maker[2] -= share
            quantity -= share
        self.book = [each for each in self.book if each[2]]
        if quantity and when == "day" and price is not None:
            self.book.append([key, side, quantity, price])
        return fills

    @staticmethod
    def _meet(side: str, price: int | None, maker: int) -> bool:
        return price is None or (maker <= price if side == "buy" else maker >= price)


PRICES = st.integers(695, 705).map(lambda hundreds: hundreds * 100)
ENTRIES = st.tuples(
    st.sampled_from(["buy", "sell"]), st.integers(1, 9), st.none() | PRICES, st.sampled_from(["day", "ioc", "fok"])
)
CANCELS = st.integers(0, 40)
CHANGES = st.tuples(st.integers(0, 40), st.integers(1, 9), PRICES)


class TestAgainstTheNaiveModel:
    @given(st.lists(ENTRIES | CANCELS | CHANGES, max_size=60))
    @settings(max_examples=300, deadline=None)
    def test_the_same_orders_make_the_same_trades_in_the_same_order(self, steps: list) -> None:
        exchange, naive = an_exchange(), Naive()
        for number, step in enumerate(steps):
            match step:
                case (side, quantity, price, when):
                    when = "ioc" if price is None and when == "day" else when
                    order = an_order(str(number), side, quantity, price, time_in_force=when)
                    assert traded(exchange.enter(order)) == naive.enter(str(number), side, quantity, price, when)
                case (who, quantity, price):
                    self._change(exchange, naive, str(who), quantity, price)
                case who:
                    exchange.cancel(str(who))
                    naive.book = [each for each in naive.book if each[0] != str(who)]
            self._same_book(exchange, naive)

    @staticmethod
    def _change(exchange: Exchange, naive: Naive, key: str, quantity: int, price: int) -> None:
        outcome = exchange.replace(key, Decimal(quantity), Decimal(price))
        known = next((each for each in naive.book if each[0] == key), None)
        if known is None:
            assert isinstance(outcome, Refusal)
        elif known[3] == price and quantity <= known[2]:
            known[2] = quantity
            assert traded(outcome) == []
        else:
            naive.book.remove(known)
            assert traded(outcome) == naive.enter(key, known[1], quantity, price, "day")

    @staticmethod
    def _same_book(exchange: Exchange, naive: Naive) -> None:
        for side in ("buy", "sell"):
            ours = [(order.key, int(order.quantity), int(order.price)) for order in exchange.book.orders(side)]
            theirs = [(key, left, price) for key, of, left, price in naive.book if of == side]
            assert ours == sorted(theirs, key=lambda each: each[2] if side == "sell" else -each[2])

    @given(st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.none() | PRICES, st.integers(1, 9)), max_size=30))
    def test_an_auction_trades_as_much_as_any_price_could(self, wishes: list) -> None:
        interests = [Interest(side, price and Decimal(price), Decimal(quantity)) for side, price, quantity in wishes]

        def at(price: int) -> Decimal:
            wanted = sum(q for side, limit, q in wishes if side == "buy" and (limit is None or limit >= price))
            offered = sum(q for side, limit, q in wishes if side == "sell" and (limit is None or limit <= price))
            return Decimal(min(wanted, offered))

        most = max(at(price) for price in range(69_400, 70_700, 100))
        cleared = clear(interests, BASE)
        assert (cleared is None) == (most == 0)
        if cleared is not None:
            assert cleared.quantity == most == at(int(cleared.price))

    @given(st.lists(ENTRIES, max_size=60), st.integers(0, 2**32))
    def test_shares_bought_are_shares_sold_and_a_seed_repeats_the_day(self, steps: list, seed: int) -> None:
        rules = Rules("KOSPI", "stock", ON, RULES.band, interruption=Interruption(Decimal("0.003")))
        days = []
        for _ in range(2):
            exchange, happened = an_exchange(rules, seed=seed), []
            for number, (side, quantity, price, when) in enumerate(steps):
                happened.append(exchange.enter(an_order(str(number), side, quantity, price, time_in_force=when), 7.0))
            happened.append((exchange.resumes_at, exchange.advance(1_000.0)))
            days.append(happened)
            sides = {str(number): side for number, (side, *_) in enumerate(steps)}
            fills = [
                fill for each in [*happened[:-1], happened[-1][1]] if isinstance(each, Outcome) for fill in each.fills
            ]
            bought = sum(fill.quantity for fill in fills if sides[fill.key] == "buy")
            assert bought == sum(fill.quantity for fill in fills if sides[fill.key] == "sell")
        assert days[0] == days[1]


class TestTheMarketOutside:
    def test_a_market_buy_takes_the_ask_and_a_market_sale_the_bid(self) -> None:
        exchange = an_exchange()
        exchange.quote(SHOWN)
        assert traded(entered(exchange, "a")) == [("a", 70_100, 10)]
        assert traded(entered(exchange, "b", "sell")) == [("b", 70_000, 10)]

    def test_what_is_shown_is_there_once(self) -> None:
        exchange = an_exchange()
        exchange.quote(SHOWN)
        assert traded(entered(exchange, "a", "buy", 400)) == [("a", 70_100, 400)]
        assert traded(entered(exchange, "b", "buy", 40)) == [("b", 70_100, 20)]
        assert exchange.outside.ask_size == 0

    def test_an_order_that_waited_trades_at_its_own_price_the_generous_first(self) -> None:
        exchange = an_exchange()
        for key, price in (("early", 69_900), ("generous", 70_000), ("late", 69_900)):
            entered(exchange, key, "buy", 10, price)
        outcome = exchange.quote(Outside(Decimal(69_000), Decimal(5), Decimal(69_100), Decimal(15)))
        assert traded(outcome) == [("generous", 70_000, 10), ("early", 69_900, 5)]

    def test_one_of_us_with_a_better_price_comes_before_the_outside_and_at_the_same_price_after_it(self) -> None:
        exchange = an_exchange()
        exchange.quote(SHOWN)
        entered(exchange, "same", "sell", 10, 70_100)
        assert traded(entered(exchange, "a", "buy", 425)) == [("a", 70_100, 420), ("same", 70_100, 5), ("a", 70_100, 5)]
        exchange.quote(Outside(Decimal(69_000), Decimal(5), Decimal(70_200), Decimal(15)))
        assert traded(entered(exchange, "b", "buy", 6))[0] == ("same", 70_100, 5)

    def test_slippage_makes_takers_pay_ticks_but_never_beyond_their_limit(self) -> None:
        exchange = an_exchange(Rules("KOSPI", "stock", ON, RULES.band, slippage_ticks=2))
        exchange.quote(SHOWN)
        assert traded(entered(exchange, "a")) == [("a", 70_300, 10)]
        assert traded(entered(exchange, "b", "buy", 10, 70_200)) == [("b", 70_200, 10)]
        assert traded(entered(exchange, "c", "sell")) == [("c", 69_800, 10)]

    def test_a_waiting_market_order_trades_with_the_next_of_us(self) -> None:
        exchange = an_exchange()
        assert traded(entered(exchange, "waits")) == []
        assert traded(entered(exchange, "b", "sell", 4, 70_500)) == [("waits", 70_500, 4), ("b", 70_500, 4)]


class TestTimesInForce:
    def test_immediate_or_cancel_ends_with_what_it_got(self) -> None:
        exchange = an_exchange()
        exchange.quote(SHOWN)
        outcome = entered(exchange, "a", "buy", 500, 70_100, time_in_force="ioc")
        assert traded(outcome) == [("a", 70_100, 420)]
        assert outcome.ended == (("a", "canceled", 80),)

    def test_fill_or_kill_gets_everything_or_nothing(self) -> None:
        exchange = an_exchange()
        exchange.quote(SHOWN)
        assert entered(exchange, "a", "buy", 421, time_in_force="fok") == Outcome((), (("a", "canceled", 421),))
        assert traded(entered(exchange, "b", "buy", 420, time_in_force="fok")) == [("b", 70_100, 420)]

    def test_day_orders_expire_with_the_day_and_good_till_cancel_stays(self) -> None:
        exchange = an_exchange()
        entered(exchange, "day", "buy", 1, 69_900)
        entered(exchange, "gtc", "buy", 2, 69_900, time_in_force="gtc")
        assert exchange.begin("closed").ended == (("day", "expired", 1),)
        assert [order.key for order in exchange.book.orders("buy")] == ["gtc"]

    def test_at_open_trades_in_the_opening_auction_only(self) -> None:
        exchange = an_exchange(phase="closed")
        assert isinstance(exchange.enter(an_order("x")), Refusal)
        exchange.begin("opening")
        entered(exchange, "open", "buy", 10, 70_200, time_in_force="at_open")
        entered(exchange, "far", "buy", 10, 69_000, time_in_force="at_open")
        entered(exchange, "sale", "sell", 4, 70_000)
        outcome = exchange.begin("continuous")
        assert sorted(traded(outcome)) == [("open", 70_200, 4), ("sale", 70_200, 4)]
        assert set(outcome.ended) == {("open", "expired", 6), ("far", "expired", 10)}

    def test_at_close_waits_for_the_closing_auction(self) -> None:
        exchange = an_exchange()
        exchange.quote(SHOWN)
        assert traded(entered(exchange, "late", "buy", 10, time_in_force="at_close")) == []
        assert traded(exchange.quote(SHOWN)) == []
        outcome = exchange.begin("closed", Decimal(70_050))
        assert traded(outcome) == [("late", 70_050, 10)]

    def test_an_order_for_the_open_that_comes_too_late_waits_for_the_next_one(self) -> None:
        exchange = an_exchange()
        entered(exchange, "tomorrow", "buy", 10, 71_000, time_in_force="at_open")
        assert exchange.begin("closed").ended == ()
        assert traded(exchange.begin("continuous", Decimal(70_500))) == [("tomorrow", 70_500, 10)]


class TestAuctions:
    @pytest.mark.parametrize(
        ("wishes", "cleared"),
        [
            ([("buy", 70_100, 10), ("sell", 69_900, 10)], (69_900, 10)),
            ([("buy", 70_100, 20), ("sell", 69_900, 10)], (70_100, 10)),
            ([("buy", 70_100, 10), ("sell", 69_900, 20)], (69_900, 10)),
            ([("buy", None, 10), ("sell", None, 10)], (70_000, 10)),
            ([("buy", 69_900, 10), ("sell", 70_100, 10)], None),
            ([("buy", 70_300, 5), ("buy", 70_100, 5), ("sell", 70_000, 5), ("sell", 70_200, 5)], (70_100, 5)),
        ],
    )
    def test_the_single_price(self, wishes: list, cleared: tuple[int, int] | None) -> None:
        interests = [Interest(side, price and Decimal(price), Decimal(quantity)) for side, price, quantity in wishes]
        assert clear(interests, BASE) == (cleared and Clearing(Decimal(cleared[0]), Decimal(cleared[1])))

    def test_nothing_trades_at_once_in_a_call_auction(self) -> None:
        exchange = an_exchange(phase="opening")
        for when in ("ioc", "fok"):
            refusal = exchange.enter(an_order("a", time_in_force=when))
            assert isinstance(refusal, Refusal)
            assert refusal.code == "order_type_not_allowed"

    def test_what_is_shown_outside_takes_its_part(self) -> None:
        exchange = an_exchange(phase="opening")
        exchange.quote(Outside(None, Decimal(0), Decimal(70_000), Decimal(6)))
        entered(exchange, "a", "buy", 10, 70_100)
        assert traded(exchange.begin("continuous")) == [("a", 70_100, 6)]


class TestInterruptions:
    RULES = Rules("KOSPI", "stock", ON, RULES.band, interruption=Interruption(Decimal("0.03")))

    @pytest.mark.parametrize(("price", "is_interrupted"), [(72_000, False), (72_100, True), (67_900, True)])
    def test_a_trade_three_per_cent_away_from_the_last_becomes_an_auction_of_two_minutes(
        self, price: int, is_interrupted: bool
    ) -> None:
        exchange = an_exchange(self.RULES, seed=3)
        sides = ("sell", "buy") if price > BASE else ("buy", "sell")
        entered(exchange, "maker", sides[0], 10, price)
        outcome = exchange.enter(an_order("taker", sides[1], 10), at=1_000.0)
        assert (traded(outcome) == []) == is_interrupted
        assert (exchange.phase == "volatility") == is_interrupted
        if is_interrupted:
            assert exchange.resumes_at is not None
            assert 1_120 <= exchange.resumes_at <= 1_150
            assert exchange.advance(1_119.0) == Outcome()
            assert {fill.price for fill in exchange.advance(1_150.0).fills} == {Decimal(price)}
            assert (exchange.phase, exchange.auction_price) == ("continuous", Decimal(price))

    def test_small_steps_add_up_to_the_static_limit(self) -> None:
        exchange, price = an_exchange(self.RULES), 70_000
        while exchange.phase == "continuous":
            price += 1_000
            entered(exchange, f"s{price}", "sell", 1, price)
            entered(exchange, f"b{price}", "buy", 1, price)
        assert price == 77_000


class TestRefusalsAndHalts:
    @pytest.mark.parametrize(
        ("order", "code"),
        [
            (an_order("a", "buy", 10, 70_050), "price_off_tick"),
            (an_order("a", "buy", 10, 91_100), "price_outside_band"),
            (an_order("a", "sell", 10, 48_950), "price_outside_band"),
            (an_order("a", "sell", "0.5"), "quantity_off_lot"),
        ],
    )
    def test_what_breaks_a_rule_is_refused(self, order: Order, code: str) -> None:
        refusal = an_exchange().enter(order)
        assert isinstance(refusal, Refusal)
        assert refusal.code == code

    def test_in_a_halt_only_cancels_are_taken(self) -> None:
        exchange = an_exchange()
        entered(exchange, "a", "buy", 10, 69_900)
        exchange.begin("halted")
        refusal = exchange.enter(an_order("b"))
        assert isinstance(refusal, Refusal)
        assert refusal.code == "trading_halted"
        assert traded(exchange.quote(Outside(None, Decimal(0), Decimal(69_000), Decimal(9)))) == []
        assert exchange.cancel("a") == 10

    def test_an_account_does_not_trade_with_itself(self) -> None:
        """The case that halted the exchange on 2025-03-18: a spread of one tick on a name with ticks of one won."""
        rules = Rules("KOSPI", "stock", ON, price_band(Decimal(1_000), "KOSPI", ON))
        exchange = Exchange(rules, phase="continuous", base_price=Decimal(1_000))
        entered(exchange, "mine", "sell", 10, 1_001, account="me")
        entered(exchange, "other", "sell", 10, 1_002, account="you")
        entered(exchange, "bid", "buy", 10, 1_000, account="me")
        outcome = entered(exchange, "again", "buy", 10, 1_002, account="me")
        assert outcome == Outcome((), (("again", "canceled", 10),))
        assert exchange.book.find("mine") is not None

    @pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
    def test_an_order_for_nothing_is_not_an_order(self, quantity: str) -> None:
        with pytest.raises(ValueError, match="positive"):
            an_order("a", "buy", quantity)
        with pytest.raises(ValueError, match="positive"):
            Order("a", "buy", Decimal(1), Decimal(quantity))


class TestChanges:
    def test_less_at_the_same_price_keeps_its_place_and_more_loses_it(self) -> None:
        exchange = an_exchange()
        for key in ("a", "b"):
            entered(exchange, key, "buy", 10, 69_900)
        exchange.replace("a", Decimal(5), Decimal(69_900))
        assert [order.key for order in exchange.book.orders("buy")] == ["a", "b"]
        exchange.replace("a", Decimal(6), Decimal(69_900))
        assert [order.key for order in exchange.book.orders("buy")] == ["b", "a"]

    def test_a_change_into_the_market_trades_at_once(self) -> None:
        exchange = an_exchange()
        exchange.quote(SHOWN)
        entered(exchange, "a", "buy", 10, 69_900)
        assert traded(exchange.replace("a", Decimal(12), Decimal(70_100))) == [("a", 70_100, 12)]

    @pytest.mark.parametrize(
        ("key", "price", "code"),
        [("none", 69_900, "order_not_found"), ("a", 69_950, "price_off_tick"), ("a", None, "order_type_not_allowed")],
    )
    def test_an_impossible_change_leaves_the_order_as_it_was(self, key: str, price: int | None, code: str) -> None:
        exchange = an_exchange()
        entered(exchange, "a", "buy", 10, 69_900)
        refusal = exchange.replace(key, Decimal(5), None if price is None else Decimal(price))
        assert isinstance(refusal, Refusal)
        assert refusal.code == code
        assert [(order.key, order.quantity) for order in exchange.book.orders("buy")] == [("a", 10)]


def test_canceled_orders_do_not_pile_up() -> None:
    exchange = an_exchange()
    for number in range(5_000):
        entered(exchange, str(number), "buy", 1, 69_900)
        entered(exchange, f"x{number}", "buy", 1, 69_000)
        exchange.cancel(str(number))
        exchange.cancel(f"x{number}")
    half = exchange.book._halves["buy"]
    assert sum(map(len, half.levels.values())) <= 2_200
