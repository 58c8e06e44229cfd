"""What trades cost, by date: the published examples in won and cents."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant.fees import (
    Trade,
    buy_reserve,
    commission_rate,
    dividend_after_tax,
    fees_for,
    reserve_price,
    sale_tax,
    sec_rate,
    settlement_date,
)
from quant.markets.calendar import add_sessions, previous_session


def a_trade(*, side: str = "sell", on: str = "2026-11-20", **values: object) -> Trade:
    defaults = {"market": "KRX", "board": "KOSPI", "kind": "stock", "quantity": Decimal(100), "price": Decimal(100_000)}
    return Trade(**{**defaults, **values}, side=side, trade_date=date.fromisoformat(on))


def a_us_trade(**values: object) -> Trade:
    return a_trade(**{"market": "US", "board": "US", "price": Decimal(100), **values})


class TestSettlement:
    @pytest.mark.parametrize(
        ("traded", "settled"),
        [("2026-09-17", "2026-09-21"), ("2026-09-22", "2026-09-28"), ("2025-10-02", "2025-10-13")],
    )
    def test_korea_settles_two_sessions_later(self, traded: str, settled: str) -> None:
        assert settlement_date("KRX", date.fromisoformat(traded)) == date.fromisoformat(settled)

    @pytest.mark.parametrize(
        ("traded", "settled"),
        [
            ("2024-05-28", "2024-05-29"),
            ("2024-05-24", "2024-05-29"),
            ("2017-09-05", "2017-09-07"),
            ("2017-09-01", "2017-09-07"),
        ],
    )
    def test_the_us_went_from_three_to_two_to_one_session(self, traded: str, settled: str) -> None:
        assert settlement_date("US", date.fromisoformat(traded)) == date.fromisoformat(settled)

    def test_a_trade_on_a_closed_day_cannot_settle(self) -> None:
        with pytest.raises(ValueError, match="not a session"):
            settlement_date("KRX", date(2026, 7, 17))


class TestKoreanTaxes:
    @pytest.mark.parametrize(
        ("first_trade_date", "kospi", "kosdaq", "konex"),
        [
            ("2019-05-30", "0.25", "0.25", "0.10"),
            ("2020-12-29", "0.23", "0.23", "0.10"),
            ("2022-12-28", "0.20", "0.20", "0.10"),
            ("2023-12-27", "0.18", "0.18", "0.10"),
            ("2024-12-27", "0.15", "0.15", "0.10"),
            ("2025-12-29", "0.20", "0.20", "0.10"),
        ],
    )
    def test_a_new_rate_begins_with_the_trade_that_settles_under_it(
        self, first_trade_date: str, kospi: str, kosdaq: str, konex: str
    ) -> None:
        day = date.fromisoformat(first_trade_date)
        for board, percent in (("KOSPI", kospi), ("KOSDAQ", kosdaq), ("KONEX", konex)):
            assert sale_tax(board, "stock", day).total * 100 == Decimal(percent)
        day_before = previous_session("KRX", day)
        assert sale_tax("KOSPI", "stock", day_before).total != sale_tax("KOSPI", "stock", day).total

    def test_the_oldest_rate_is_thirty_hundredths_of_a_percent(self) -> None:
        for board in ("KOSPI", "KOSDAQ", "KONEX"):
            assert sale_tax(board, "stock", date(2019, 5, 29)).total == Decimal("0.0030")

    def test_only_kospi_pays_the_rural_tax(self) -> None:
        assert sale_tax("KOSPI", "stock", date(2026, 11, 20)).rural == Decimal("0.0015")
        assert sale_tax("KOSDAQ", "stock", date(2026, 11, 20)).rural == 0

    @pytest.mark.parametrize(("on", "total"), [("2026-06-01", 23_000), ("2025-06-02", 18_000)])
    def test_a_round_trip_of_ten_million_won_costs_what_the_broker_says(self, on: str, total: int) -> None:
        assert sum(fees_for(a_trade(side=side, on=on)).total for side in ("buy", "sell")) == total

    def test_a_sale_shows_each_part(self) -> None:
        costs = fees_for(a_trade(on="2026-06-01"))
        assert (costs.fee, costs.taxes) == (1_500, 20_000)
        assert dict(costs.parts) == {"commission": 1_500, "transaction_tax": 5_000, "rural_tax": 15_000}

    def test_a_buy_and_a_fund_pay_no_tax(self) -> None:
        assert fees_for(a_trade(side="buy")).taxes == 0
        assert fees_for(a_trade(kind="etf")).taxes == 0

    def test_every_part_is_truncated_to_the_won_by_itself(self) -> None:
        costs = fees_for(a_trade(quantity=Decimal(1), price=Decimal(9_999)))
        assert dict(costs.parts) == {"commission": 1, "transaction_tax": 4, "rural_tax": 14}


class TestUnitedStates:
    def test_a_buy_is_free_and_a_sale_pays_the_regulators_up_to_the_cent(self) -> None:
        assert fees_for(a_us_trade(side="buy")).total == 0
        costs = fees_for(a_us_trade(on="2026-06-01"))
        assert dict(costs.parts) == {"commission": 0, "sec_fee": Decimal("0.21"), "taf": Decimal("0.02")}
        assert (costs.fee, costs.taxes) == (Decimal("0.23"), 0)

    def test_the_activity_fee_is_capped(self) -> None:
        costs = fees_for(a_us_trade(on="2026-06-01", quantity=Decimal(1_000_000), price=Decimal(1)))
        assert dict(costs.parts)["taf"] == Decimal("9.79")

    def test_the_activity_fee_takes_a_holiday_in_late_2026(self) -> None:
        assert dict(fees_for(a_us_trade(on="2026-10-01")).parts)["taf"] == 0
        assert dict(fees_for(a_us_trade(on="2026-09-30")).parts)["taf"] == Decimal("0.02")

    @pytest.mark.parametrize(
        ("on", "per_million"),
        [
            ("2026-04-02", "20.60"),
            ("2026-04-01", "0"),
            ("2025-05-13", "0"),
            ("2025-05-12", "27.80"),
            ("2013-10-07", "17.40"),
            ("2012-01-03", "0"),
        ],
    )
    def test_the_sec_fee_goes_by_the_settlement_date(self, on: str, per_million: str) -> None:
        assert sec_rate(date.fromisoformat(on)) * 1_000_000 == Decimal(per_million)

    def test_nothing_is_charged_before_the_tables_begin(self) -> None:
        assert fees_for(a_us_trade(on="2012-01-03")).total == 0


class TestReserve:
    def test_a_limit_buy_holds_its_value_and_fee(self) -> None:
        assert buy_reserve(a_trade(side="buy", quantity=Decimal(10), price=Decimal(70_000))) == 700_105

    def test_a_market_buy_is_reserved_at_the_upper_limit_or_five_percent_up(self) -> None:
        assert reserve_price(Decimal(70_000), Decimal(91_000), Decimal(71_000)) == 70_000
        assert reserve_price(None, Decimal(91_000), Decimal(71_000)) == 91_000
        assert reserve_price(None, None, Decimal(100)) == 105

    def test_a_sale_reserves_no_cash(self) -> None:
        with pytest.raises(ValueError, match="only a buy"):
            buy_reserve(a_trade(side="sell"))

    @given(
        limit=st.integers(1, 1_000_000),
        fills=st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 999)), min_size=1, max_size=8),
    )
    def test_the_reserve_covers_every_split_into_executions(self, limit: int, fills: list[tuple[int, int]]) -> None:
        total = sum(quantity for quantity, _ in fills)
        held = buy_reserve(a_trade(side="buy", quantity=Decimal(total), price=Decimal(limit)))
        spent = Decimal(0)
        for quantity, discount in fills:
            part = a_trade(side="buy", quantity=Decimal(quantity), price=Decimal(max(1, limit - discount)))
            spent += part.value + fees_for(part).total
        assert spent <= held


def test_schedules_are_named_and_unknown_ones_refused() -> None:
    assert commission_rate("KRX") == Decimal("0.00015")
    assert fees_for(a_trade(side="buy"), "institutions_only").fee == 363
    assert fees_for(a_trade(side="buy"), "free").fee == 0
    with pytest.raises(ValueError, match="unknown fee schedule"):
        fees_for(a_trade(), "discount")


@pytest.mark.parametrize("values", [{"board": "US"}, {"quantity": Decimal(0)}, {"price": Decimal(-1)}])
def test_a_trade_that_cannot_be_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"board US does not belong|above zero"):
        a_trade(**values)


@given(day=st.dates(date(2000, 1, 4), date(2027, 12, 20)), won=st.integers(1, 10**12))
def test_costs_are_whole_won_and_never_negative(day: date, won: int) -> None:
    session = add_sessions("KRX", day, 1)
    costs = fees_for(a_trade(on=session.isoformat(), quantity=Decimal(1), price=Decimal(won)))
    assert costs.total == costs.total.to_integral_value()
    assert 0 <= costs.total <= won * Decimal("0.0032")
    assert costs.total == sum(amount for _, amount in costs.parts)


def test_of_a_dividend_korea_keeps_fifteen_point_four_percent_and_the_us_fifteen() -> None:
    korean = dividend_after_tax("KRX", Decimal(100_000))
    assert (korean.gross, korean.tax, korean.net) == (100_000, 15_400, 84_600)
    assert dividend_after_tax("KRX", Decimal("361.9")).tax == 50 + 5
    american = dividend_after_tax("US", Decimal("12.345"))
    assert (american.gross, american.tax) == (Decimal("12.34"), Decimal("1.85"))
