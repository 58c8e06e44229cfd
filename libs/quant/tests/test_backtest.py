"""Strategies on bars: when they trade, at what price and cost, and that they cannot see the future."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quant import backtest
from quant.backtest import CostRates, Result, StrategySpec, cost_rates, run, sweep, sweep_sma_cross
from quant.bars import Bars
from quant.performance import returns_of
from quant.rules import RuleError

CROSS = StrategySpec("crosses_above(sma(3), sma(8))", "crosses_below(sma(3), sma(8))")


def bars_of(
    close: list[float], opening: list[float] | None = None, low: list[float] | None = None, start: str = "2024-01-02"
) -> Bars:
    closes = np.array(close, dtype=float)
    opens = closes if opening is None else np.array(opening, dtype=float)
    lows = np.minimum(opens, closes) if low is None else np.array(low, dtype=float)
    return Bars.of(
        np.datetime64(start) + np.arange(len(closes)),
        {
            "open": opens,
            "high": np.maximum(opens, closes),
            "low": lows,
            "close": closes,
            "volume": np.full(len(closes), 1_000.0),
        },
    )


def random_bars(seed: int, size: int = 300, start: str = "2018-06-01") -> Bars:
    random = np.random.default_rng(seed)
    closes = 10_000 * np.exp(random.normal(0, 0.03, size).cumsum())
    opens = closes * np.exp(random.normal(0, 0.01, size))
    halted = random.random(size) < 0.05
    halted[0] = False
    for bar in np.flatnonzero(halted):
        closes[bar] = closes[bar - 1]
    return Bars.of(
        np.datetime64(start) + np.arange(size),
        {
            "open": np.where(halted, 0, opens),
            "high": np.where(halted, 0, np.maximum(opens, closes) * 1.01),
            "low": np.where(halted, 0, np.minimum(opens, closes) * 0.99),
            "close": closes,
            "volume": np.where(halted, 0, 1_000.0),
        },
    )


def a_run(bars: Bars, entry: str, leave: str, **values: float) -> Result:
    values.setdefault("initial_cash", 1_000.0)
    return run(bars, StrategySpec(entry, leave, **values), CostRates.free(bars))


class TestTiming:
    def test_a_signal_at_the_close_fills_at_the_next_open(self) -> None:
        bars = bars_of(close=[10, 11, 20, 12, 12], opening=[10, 10, 13, 21, 12])
        (trade,) = a_run(bars, "close >= 11 and close < 12", "close > 15").trades
        assert (trade.entry_date, trade.entry_price) == (date(2024, 1, 4), 13)
        assert (trade.exit_date, trade.exit_price) == (date(2024, 1, 5), 21)
        assert (trade.shares, trade.profit, trade.reason) == (76, 76 * 8, "signal")

    def test_a_signal_on_the_last_bar_is_never_filled(self) -> None:
        assert a_run(bars_of([10, 10, 11]), "close > 10", "close > 99").trades == ()

    def test_an_open_position_is_valued_at_the_last_close(self) -> None:
        result = a_run(bars_of([10, 11, 10, 15]), "close == 11", "close > 99")
        (trade,) = result.trades
        assert (trade.reason, trade.exit_price, trade.profit) == ("open", 15, 500)
        assert result.equity.tolist() == [1_000, 1_000, 1_000, 1_500]
        assert result.metrics["trades"] == 0

    def test_both_rules_at_once_are_no_entry(self) -> None:
        assert a_run(bars_of([10, 11, 12]), "close > 1", "close > 1").trades == ()

    def test_nothing_fills_on_halted_days_and_orders_wait_for_the_next(self) -> None:
        bars = bars_of(close=[10, 11, 11, 11, 14, 14], opening=[10, 10, 0, 0, 12, 15], low=[10, 10, 0, 0, 12, 14])
        (trade,) = a_run(bars, "close == 11", "close == 14").trades
        assert (trade.entry_date, trade.entry_price, trade.exit_price) == (date(2024, 1, 6), 12, 15)

    def test_a_halted_day_gives_no_signal_and_hits_no_stop(self) -> None:
        bars = bars_of(close=[10, 10, 10, 10], opening=[10, 10, 0, 10], low=[10, 10, 0, 10])
        (trade,) = a_run(bars, "close == 10", "close > 99", stop_loss=0.1).trades
        assert trade.reason == "open"


class TestStops:
    def test_a_stop_sells_within_the_bar_at_its_price(self) -> None:
        bars = bars_of(close=[10, 10, 9.5, 10], opening=[10, 10, 10, 10], low=[10, 10, 8, 10])
        trade = a_run(bars, "close == 10", "close > 99", stop_loss=0.1).trades[0]
        assert (trade.exit_date, trade.exit_price, trade.reason) == (date(2024, 1, 4), 9, "stop_loss")

    def test_a_stop_behind_a_gap_sells_at_the_open(self) -> None:
        bars = bars_of(close=[10, 10, 7], opening=[10, 10, 8])
        trade = a_run(bars, "close == 10", "close > 99", stop_loss=0.1).trades[0]
        assert (trade.exit_price, trade.reason) == (8, "stop_loss")

    def test_a_target_sells_at_its_price_and_the_stop_comes_first(self) -> None:
        bars = bars_of(close=[10, 10, 12], opening=[10, 10, 10])
        trade = a_run(bars, "close == 10", "close > 99", take_profit=0.15).trades[0]
        assert (trade.exit_price, trade.reason) == (pytest.approx(11.5), "take_profit")
        both = bars_of(close=[10, 10, 12], opening=[10, 10, 10], low=[10, 10, 8])
        trade = a_run(both, "close == 10", "close > 99", take_profit=0.15, stop_loss=0.1).trades[0]
        assert trade.reason == "stop_loss"


class TestMoney:
    def test_shares_are_whole_and_costs_are_paid_from_the_cash(self) -> None:
        bars = bars_of([100, 100, 100, 110, 110])
        rates = CostRates(np.full(5, 0.01), np.full(5, 0.02))
        spec = StrategySpec("close == 100", "close == 110", initial_cash=1_000)
        result = run(bars, spec, rates)
        (trade,) = result.trades
        assert (trade.shares, trade.costs) == (9, pytest.approx(9 * 1 + 9 * 2.2))
        assert trade.profit == pytest.approx(9 * 10 - 28.8)
        assert result.metrics["equity_final"] == pytest.approx(1_000 + trade.profit)

    def test_too_little_cash_buys_nothing(self) -> None:
        assert a_run(bars_of([2_000] * 5), "close > 1", "close > 9999").trades == ()

    def test_a_portion_of_the_cash_may_be_used(self) -> None:
        assert a_run(bars_of([100] * 3), "close > 1", "close > 999", portion=0.55).trades[0].shares == 5

    def test_slippage_worsens_both_prices(self) -> None:
        bars = bars_of([100, 100, 110, 110])
        rates = CostRates(np.zeros(4), np.zeros(4), slippage=0.01)
        (trade,) = run(bars, StrategySpec("close == 100", "close == 110", initial_cash=1_000), rates).trades
        assert (trade.entry_price, trade.exit_price) == pytest.approx((101, 108.9))

    def test_costs_follow_the_date_of_the_sale(self) -> None:
        bars = bars_of([100] * 400, start="2024-06-03")
        rates = cost_rates(bars, "KOSPI")
        by_day = dict(zip(bars.dates.astype(str), rates.sell, strict=True))
        assert by_day["2024-12-26"] == pytest.approx(0.00015 + 0.0018)
        assert by_day["2024-12-27"] == pytest.approx(0.00015 + 0.0015)
        assert np.all(rates.buy == 0.00015)
        assert np.all(cost_rates(bars, "KOSPI", "etf").sell == 0.00015)
        assert cost_rates(bars, "KOSDAQ").sell[0] == pytest.approx(0.00195)
        assert cost_rates(bars, "US").sell[0] == pytest.approx(27.80e-6)

    def test_costs_reach_back_before_the_calendar(self) -> None:
        bars = bars_of([100] * 3, start="1998-01-05")
        assert cost_rates(bars, "US").sell.tolist() == [0, 0, 0]
        assert cost_rates(bars, "KONEX").sell[0] == pytest.approx(0.00315)


class TestRefusals:
    @pytest.mark.parametrize(
        "values",
        [{"stop_loss": 0.0}, {"stop_loss": 1.0}, {"take_profit": -1.0}, {"portion": 1.1}, {"initial_cash": 0.0}],
    )
    def test_a_plan_that_makes_no_sense_is_refused(self, values: dict[str, float]) -> None:
        with pytest.raises(ValueError, match=next(iter(values))):
            StrategySpec("close > 1", "close < 1", **values)

    def test_rules_that_cannot_be_read_say_so(self) -> None:
        with pytest.raises(RuleError, match="column 1"):
            a_run(bars_of([1, 2]), "clse > 1", "close > 1")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda columns: columns.pop("low"), "missing: low"),
            (lambda columns: columns.update(close=[1.0]), "one value per date"),
            (lambda columns: columns.update(close=[1.0, 0.0]), "close above zero"),
            (lambda columns: columns.update(high=[1.0, float("nan")]), "numbers of zero or more"),
        ],
    )
    def test_bars_that_do_not_fit_are_refused(self, change: Callable[[dict[str, object]], None], message: str) -> None:
        columns = {name: [1.0, 1.0] for name in ("open", "high", "low", "close", "volume")}
        change(columns)
        with pytest.raises(ValueError, match=message):
            Bars.of(["2024-01-02", "2024-01-03"], columns)

    def test_dates_must_rise(self) -> None:
        columns = {name: [1.0, 1.0] for name in ("open", "high", "low", "close", "volume")}
        with pytest.raises(ValueError, match="dates must rise"):
            Bars.of(["2024-01-03", "2024-01-03"], columns)

    def test_a_backtest_needs_bars_and_a_rate_for_each(self) -> None:
        with pytest.raises(ValueError, match="two bars"):
            a_run(bars_of([1]), "close > 1", "close < 1")
        with pytest.raises(ValueError, match="one rate per bar"):
            run(bars_of([1, 2, 3]), CROSS, CostRates.free(bars_of([1, 2])))
        with pytest.raises(ValueError, match="slippage"):
            cost_rates(bars_of([1, 2]), "KOSPI", slippage=1.0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(20, 290))
def test_the_past_does_not_change_when_the_future_does(seed: int, cut: int) -> None:
    bars = random_bars(seed)
    other = random_bars(seed + 1)
    columns = {
        name: np.concatenate((getattr(bars, name)[:cut], getattr(other, name)[cut:]))
        for name in ("open", "high", "low", "close", "volume")
    }
    changed = Bars.of(bars.dates, columns)
    spec = StrategySpec("rsi(5) < 35 or crosses_above(ema(4), sma(9))", "rsi(5) > 65", stop_loss=0.04)
    first, second = (run(each, spec, cost_rates(each, "KOSPI")) for each in (bars, changed))
    assert np.array_equal(first.equity[:cut], second.equity[:cut])
    border = bars.dates[cut].item()
    closed = [[trade for trade in result.trades if trade.exit_date < border] for result in (first, second)]
    assert closed[0] == closed[1]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_money_is_neither_made_nor_lost_by_the_bookkeeping(seed: int) -> None:
    bars = random_bars(seed)
    result = run(bars, CROSS, cost_rates(bars, "KOSPI", slippage=0.0005))
    assert result.equity[-1] == pytest.approx(CROSS.initial_cash + sum(trade.profit for trade in result.trades))
    traded = set(bars.dates[bars.traded].astype(object))
    for earlier, later in zip(result.trades, result.trades[1:], strict=False):
        assert earlier.exit_date <= later.entry_date
    for trade in result.trades:
        assert trade.shares > 0
        assert trade.entry_date in traded
        assert trade.reason == "open" or trade.exit_date in traded


class TestSweep:
    def test_each_combination_has_the_figures_of_its_own_run(self) -> None:
        bars = random_bars(3)
        costs = cost_rates(bars, "KOSPI")
        template = StrategySpec("sma({fast}) > sma({slow})", "sma({fast}) < sma({slow})", stop_loss=0.05)
        rows = sweep(bars, template, {"fast": [3, 5], "slow": [10, 20]}, costs)
        assert [row.parameters for row in rows] == [{"fast": f, "slow": s} for f in (3, 5) for s in (10, 20)]
        for row in rows:
            fast, slow = row.parameters["fast"], row.parameters["slow"]
            spec = StrategySpec(f"sma({fast}) > sma({slow})", f"sma({fast}) < sma({slow})", stop_loss=0.05)
            assert row.metrics == run(bars, spec, costs).metrics

    def test_the_compiled_cross_makes_the_same_trades_as_its_rules(self) -> None:
        bars = random_bars(5, size=600)
        costs = cost_rates(bars, "KOSDAQ")
        pairs = [(fast, slow) for fast in (1, 2, 5) for slow in (7, 20)]
        table = sweep_sma_cross(bars, pairs, costs)
        for (fast, slow), (final, deepest, trades, won) in zip(pairs, table, strict=True):
            rules = (f"crosses_above(sma({fast}), sma({slow}))", f"crosses_below(sma({fast}), sma({slow}))")
            result = run(bars, StrategySpec(*rules), costs)
            assert final == result.equity[-1]
            assert (deepest, trades) == (pytest.approx(result.metrics["max_drawdown"]), result.metrics["trades"])
            assert won == sum(trade.profit > 0 for trade in result.trades if trade.reason != "open")

    def test_a_grid_of_more_indicators_than_are_kept_gives_the_same_figures(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bars = random_bars(4, size=100)
        template, grid = StrategySpec("rsi({n}) < 40", "rsi({n}) > 60"), {"n": list(range(2, 12))}
        kept = sweep(bars, template, grid, CostRates.free(bars))
        monkeypatch.setattr("quant.backtest.grid.SHARED_INDICATORS_MAX", 1)
        assert sweep(bars, template, grid, CostRates.free(bars)) == kept

    def test_the_grid_and_the_template_name_the_same_parameters(self) -> None:
        bars = random_bars(1, size=30)
        for template, grid in ((CROSS, {"fast": [1]}), (StrategySpec("sma({fast}) > 1", "close < 1"), {})):
            with pytest.raises(ValueError, match="must be the same"):
                sweep(bars, template, grid, CostRates.free(bars))

    def test_the_number_of_combinations_is_bounded(self) -> None:
        bars = random_bars(1, size=30)
        template = StrategySpec("sma({fast}) > 1", "close < 1")
        for count in (0, backtest.COMBINATIONS_MAX + 1):
            with pytest.raises(ValueError, match="combinations"):
                sweep(bars, template, {"fast": [5] * count}, CostRates.free(bars))
            with pytest.raises(ValueError, match="combinations"):
                sweep_sma_cross(bars, [(5, 6)] * count, CostRates.free(bars))
        with pytest.raises(ValueError, match="at least 1"):
            sweep_sma_cross(bars, [(0, 6)], CostRates.free(bars))


def test_real_bars_with_halted_days_run_through(reference_data: Path) -> None:
    path = reference_data / "kr_daily" / "large_caps_30" / "005930.csv"
    table = np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8-sig")
    columns = {name.lower(): table[name] for name in ("Open", "High", "Low", "Close", "Volume")}
    bars = Bars.of(table["Date"], columns)
    result = run(bars, StrategySpec("rsi(14) < 30", "rsi(14) > 60", stop_loss=0.1), cost_rates(bars, "KOSPI"))
    assert (~bars.traded).sum() > 0
    assert len(result.trades) > 10
    assert np.all(np.isfinite(returns_of(result.equity)))
