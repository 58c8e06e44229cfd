"""The event-driven engine: the trades of the compiled loop where both apply, and the exchange's rules where not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quant.backtest import CostRates, EventResult, StrategySpec, Venue, cost_rates, run, run_event_driven
from quant.bars import Bars
from quant.fees import Trade, fees_for
from quant.markets.calendar import sessions_between
from quant.markets.ticks import is_on_grid

FREE = Venue("KOSPI", "etf", "free")
FIRST = date(2022, 6, 1)


def bars_of(rows: list[tuple[float, float, float, float]], volume: float = 1_000.0, start: date = FIRST) -> Bars:
    """Open, high, low and close on the sessions of KRX from a day on."""
    table = np.array(rows, dtype=float)
    names = ("open", "high", "low", "close")
    columns = {name: table[:, place] for place, name in enumerate(names)}
    days = sessions_between("KRX", start, date(2026, 12, 1))[: len(rows)]
    return Bars.of(list(days), {**columns, "volume": np.full(len(rows), volume)})


def a_walk(seed: int, size: int = 400, halts: float = 0.04) -> Bars:
    """Whole won, with gaps, halted days and both tick tables of 2022 and 2023."""
    random = np.random.default_rng(seed)
    closes = np.round(20_000 * np.exp(random.normal(0, 0.025, size).cumsum()))
    opens = np.round(closes * np.exp(random.normal(0, 0.012, size)))
    highs = np.round(np.maximum(opens, closes) * (1 + random.exponential(0.008, size)))
    lows = np.round(np.minimum(opens, closes) * (1 - random.exponential(0.008, size)))
    halted = random.random(size) < halts
    halted[0] = False
    for bar in np.flatnonzero(halted):
        closes[bar] = closes[bar - 1]
    rows = np.column_stack([np.where(halted, 0, column) for column in (opens, highs, lows)] + [closes])
    return bars_of([tuple(row) for row in rows])


def flat(price: float, count: int = 1) -> list[tuple[float, float, float, float]]:
    return [(price, price, price, price)] * count


def a_run(bars: Bars, entry: str, leave: str, venue: Venue = FREE, **plan: float) -> EventResult:
    plan.setdefault("initial_cash", 100_000.0)
    return run_event_driven(bars, StrategySpec(entry, leave, **plan), venue)


rules = st.sampled_from(
    [
        ("rsi({a}) < 40", "rsi({a}) > 60"),
        ("sma({a}) > sma({b})", "sma({a}) < sma({b})"),
        ("crosses_above(ema({a}), sma({b}))", "crosses_below(ema({a}), sma({b}))"),
        ("close < bbands({b}, 1).lower", "close > bbands({b}, 1).middle"),
        ("close >= highest({a})", "close <= lowest({a})"),
        ("close > open or volume < 1", "close > 0 and pct_change({a}) > 0.03"),
    ]
)
fractions = st.one_of(st.none(), st.integers(5, 200).map(lambda thousandths: thousandths / 1_000))


@st.composite
def specs(draw: st.DrawFn) -> StrategySpec:
    entry, leave = draw(rules)
    periods = {"a": draw(st.integers(2, 9)), "b": draw(st.integers(10, 30))}
    return StrategySpec(
        entry.format(**periods),
        leave.format(**periods),
        stop_loss=draw(fractions),
        take_profit=draw(fractions),
        trailing_stop=draw(fractions),
        holding_bars=draw(st.one_of(st.none(), st.integers(1, 30))),
        initial_cash=draw(st.sampled_from([100_000.0, 10_000_000.0, 777_777_777.0])),
    )


class TestBothEngines:
    @pytest.mark.requirement("product 4: both engines give the same trades where both apply")
    @settings(max_examples=150, deadline=None)
    @given(seed=st.integers(0, 100_000), spec=specs())
    def test_they_make_the_same_trades_where_both_apply(self, seed: int, spec: StrategySpec) -> None:
        bars = a_walk(seed)
        compiled = run(bars, spec, cost_rates(bars, "KOSPI", "etf", "free"))
        replayed = run_event_driven(bars, spec, FREE)
        assert not replayed.unfilled
        assert replayed.result.trades == compiled.trades
        assert replayed.result.equity.tolist() == compiled.equity.tolist()
        assert replayed.result.metrics == compiled.metrics

    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 100_000), spec=specs())
    def test_with_costs_they_differ_by_what_is_truncated_and_no_more(self, seed: int, spec: StrategySpec) -> None:
        bars, spec = a_walk(seed), replace(spec, initial_cash=777_777_777.0)
        compiled = run(bars, spec, cost_rates(bars, "KOSDAQ"))
        replayed = run_event_driven(bars, spec, Venue("KOSDAQ"))
        facts = [
            [(trade.entry_date, trade.exit_date, trade.entry_price, trade.exit_price, trade.reason) for trade in trades]
            for trades in (compiled.trades, replayed.result.trades)
        ]
        assert facts[0] == facts[1]
        for one, other in zip(compiled.trades, replayed.result.trades, strict=True):
            assert abs(one.shares - other.shares) <= 1
            assert one.costs - other.costs == pytest.approx(0, abs=4 + one.costs / max(1, one.shares))
        assert replayed.result.equity == pytest.approx(compiled.equity, rel=1e-3)

    def test_the_random_strategies_do_trade_and_leave_for_every_reason(self) -> None:
        seen = set()
        for seed in range(12):
            plan = StrategySpec("close > open", "rsi(5) > 80", 0.03, 0.04, trailing_stop=0.035, holding_bars=6)
            seen |= {trade.reason for trade in run_event_driven(a_walk(seed), plan, FREE).result.trades}
        assert seen >= {"signal", "stop_loss", "take_profit", "trailing_stop", "time"}


class TestMoney:
    def test_costs_are_those_of_every_execution_to_the_won(self) -> None:
        bars = bars_of(flat(10_000, 2) + flat(11_000, 3), start=date(2024, 12, 24))
        done = a_run(bars, "close == 10000", "close == 11000", Venue("KOSPI"), initial_cash=1_000_000.0)
        bought, sold = done.executions
        assert (bought.quantity, bought.fee, bought.tax) == (99, 148, 0)
        expected = fees_for(Trade("KRX", "KOSPI", "stock", "sell", Decimal(99), Decimal(11_000), sold.on))
        assert (sold.fee, sold.tax) == (expected.fee, expected.taxes)
        assert done.result.metrics["equity_final"] == float(1_000_000 + bought.cash_flow + sold.cash_flow)

    def test_a_sale_is_taxed_by_the_day_it_settles(self) -> None:
        rows = flat(10_000, 2) + flat(11_000, 6)
        old, new = (
            a_run(bars_of(rows, start=start), "close == 10000", "close == 11000", Venue("KOSDAQ")).executions[1]
            for start in (date(2024, 12, 20), date(2024, 12, 24))
        )
        assert (old.on, old.settles, new.settles) == (date(2024, 12, 26), date(2024, 12, 30), date(2025, 1, 3))
        assert old.tax > new.tax

    def test_cash_of_a_sale_settles_two_sessions_later_and_buys_before(self) -> None:
        bars = bars_of([*flat(10_000, 2), *flat(11_000), (11_000, 11_000, 10_000, 10_000), *flat(10_000, 4)])
        done = a_run(bars, "close == 10000", "close == 11000")
        assert [execution.side for execution in done.executions] == ["buy", "sell", "buy"]
        first, sold, again = done.executions
        assert sold.settles == bars.dates[done.result.dates.tolist().index(sold.on) + 2].item()
        day_of = bars.dates.tolist().index
        assert done.settled_cash[day_of(sold.on)] == done.settled_cash[day_of(sold.on) + 1]
        assert done.settled_cash[day_of(first.settles)] == float(100_000 + first.cash_flow)
        assert again.on < sold.settles


class TestTheExchangesRules:
    def test_stops_and_targets_lie_on_the_grid_of_their_day(self) -> None:
        for seed in range(6):
            done = run_event_driven(a_walk(seed), StrategySpec("close > 1", "close < 1", 0.0333, 0.0411), FREE)
            protected = [trade for trade in done.result.trades if trade.reason in {"stop_loss", "take_profit"}]
            days = set(a_walk(seed).open.tolist())
            inside = [trade for trade in protected if trade.exit_price not in days]
            assert inside
            assert all(
                is_on_grid(Decimal(repr(trade.exit_price)), "KOSPI", "etf", trade.entry_date) for trade in inside
            )

    def test_nobody_sells_at_the_upper_limit_and_nobody_buys_at_the_lower(self) -> None:
        up = bars_of([*flat(9_000), *flat(10_000), *flat(13_000), *flat(13_500, 2)])
        done = a_run(up, "close >= 10000", "close > 99999")
        assert [(missed.side, missed.reason) for missed in done.unfilled] == [("buy", "no_counterparty")]
        assert [execution.price for execution in done.executions] == [13_500]
        down = bars_of([*flat(10_000, 2), *flat(10_000), *flat(7_000), *flat(6_000, 2)])
        done = a_run(down, "close == 10000", "close < 10000", stop_loss=0.1)
        assert [(missed.side, missed.reason) for missed in done.unfilled] == [("sell", "no_counterparty")]
        (trade,) = done.result.trades
        assert (trade.exit_price, trade.reason) == (6_000, "stop_loss")

    def test_what_the_volume_leaves_is_not_bought_and_is_sold_on_the_next_days(self) -> None:
        rows = flat(100, 2) + flat(110, 5)
        venue = replace(FREE, volume_share=Decimal("0.3"))
        done = a_run(bars_of(rows, volume=1_000), "close == 100", "close == 110", venue)
        assert [(fill.side, fill.quantity) for fill in done.executions] == [("buy", 300), ("sell", 300)]
        assert done.unfilled[0][1:] == ("buy", 700, "volume")
        thin = bars_of(rows, volume=1_000)
        thin.volume[3:] = 500
        done = a_run(thin, "close == 100", "close == 110", venue)
        assert [(fill.side, fill.quantity) for fill in done.executions] == [("buy", 300), ("sell", 150), ("sell", 150)]
        (trade,) = done.result.trades
        assert (trade.shares, trade.exit_date, trade.profit) == (300, done.executions[-1].on, 3_000)

    def test_slippage_worsens_orders_at_market_and_no_limit(self) -> None:
        venue = replace(FREE, slippage=Decimal("0.01"))
        rows = [*flat(10_000, 2), (10_000, 12_000, 10_000, 11_000), *flat(11_000, 2)]
        bought, sold = a_run(bars_of(rows), "close == 10000", "close > 99999", venue, take_profit=0.1).executions
        assert (bought.price, sold.price) == (10_100, 11_110)

    def test_halted_days_are_waited_through(self) -> None:
        rows = [*flat(100, 2), (0, 0, 0, 100), (0, 0, 0, 100), *flat(120, 2)]
        (bought,) = a_run(bars_of(rows[1:]), "close == 100", "close > 999").executions
        assert bought.price == 120

    def test_a_bar_on_a_day_without_session_is_refused_by_name(self) -> None:
        columns = dict.fromkeys(("open", "high", "low", "close", "volume"), [100.0] * 3)
        bars = Bars.of(["2024-01-05", "2024-01-06", "2024-01-08"], columns)
        with pytest.raises(ValueError, match="2024-01-06 is not a session in the calendar of KRX"):
            a_run(bars, "close > 1", "close < 1")

    @pytest.mark.parametrize("change", [{"slippage": Decimal(1)}, {"volume_share": Decimal(0)}])
    def test_a_venue_that_makes_no_sense_is_refused(self, change: dict[str, Decimal]) -> None:
        with pytest.raises(ValueError, match=next(iter(change))):
            replace(FREE, **change)


@pytest.mark.requirement("product 4: bit-exact repeatability")
def test_the_same_input_gives_the_same_bits() -> None:
    spec = StrategySpec("rsi(5) < 40", "rsi(5) > 60", 0.03, trailing_stop=0.05)
    first, second = (run_event_driven(a_walk(3), spec, Venue("KOSPI")) for _ in range(2))
    assert first.executions == second.executions
    assert first.result.equity.tobytes() == second.result.equity.tobytes()
    assert first.settled_cash.tobytes() == second.settled_cash.tobytes()


def test_bars_that_end_early_value_the_position_at_their_last_close() -> None:
    done = a_run(bars_of(flat(100, 3) + flat(90)), "close == 100", "close > 999")
    assert [(trade.reason, trade.exit_price) for trade in done.result.trades] == [("open", 90)]
    assert done.result.metrics["trades"] == 0
    assert len(CostRates.free(bars_of(flat(1, 3))).buy) == 3
