"""Luck is told from skill: by published numbers, by strategies known to be worthless, and by bars nobody looked at."""

import numpy as np
import pytest
from quant.backtest import (
    COMBINATIONS_MAX,
    CostRates,
    StrategySpec,
    Walk,
    cost_rates,
    deflated_sharpe,
    expected_best_sharpe,
    find_look_ahead,
    probability_of_skill,
    redraw_trades,
    sampled,
    sweep,
    walk_forward,
)
from quant.bars import Bars

CROSS = StrategySpec("sma({fast}) > sma({slow})", "sma({fast}) < sma({slow})", stop_loss=0.1)
GRID = {"fast": [2, 3, 5], "slow": [8, 13, 21]}
WALK = Walk(train=120, test=60)


def a_walk(seed: int = 5, size: int = 600) -> Bars:
    random = np.random.default_rng(seed)
    close = 10_000 * np.exp(random.normal(0, 0.02, size).cumsum())
    columns = dict.fromkeys(("open", "high", "low", "close"), close)
    return Bars.of(np.datetime64("2020-01-01") + np.arange(size), {**columns, "volume": np.full(size, 1e6)})


class TestDeflatedSharpe:
    def test_it_is_the_published_example(self) -> None:
        # Bailey and López de Prado (2014), "The Deflated Sharpe Ratio": a yearly 2.5 over five years of 250 days, the
        # best of 100 trials with a variance of 1/2, skewness -3 and kurtosis 10.
        benchmark = expected_best_sharpe(np.sqrt(0.5 / 250), 100)
        assert benchmark == pytest.approx(0.1132, abs=5e-5)
        found = probability_of_skill(2.5 / np.sqrt(250), benchmark, 1_250, (-3.0, 10.0))
        assert found == pytest.approx(0.9004, abs=5e-5)

    def test_the_best_of_many_worthless_trials_is_called_luck(self) -> None:
        random = np.random.default_rng(1)
        verdicts = []
        for _ in range(60):
            trials = random.normal(0, 0.01, (200, 500))
            sharpes = trials.mean(axis=1) / trials.std(axis=1, ddof=1)
            verdicts.append(deflated_sharpe(trials[np.argmax(sharpes)], sharpes.tolist()))
        assert np.mean(np.array(verdicts) > 0.95) < 0.1
        assert np.mean(verdicts) == pytest.approx(0.5, abs=0.15)

    def test_real_skill_among_worthless_trials_is_seen(self) -> None:
        random = np.random.default_rng(2)
        trials = random.normal(0, 0.01, (200, 1_000))
        trials[0] += 0.0025
        sharpes = trials.mean(axis=1) / trials.std(axis=1, ddof=1)
        assert deflated_sharpe(trials[0], sharpes.tolist()) > 0.99

    def test_what_does_not_vary_has_no_verdict(self) -> None:
        assert np.isnan(deflated_sharpe(np.zeros(100), [0.1, 0.2]))
        assert np.isnan(deflated_sharpe(np.array([0.1]), [0.1]))
        assert expected_best_sharpe(0.1, 1) == 0
        assert np.isnan(probability_of_skill(0.1, 0, 1, (0, 3)))


class TestRedrawing:
    def test_the_same_trade_over_and_over_leaves_no_room_for_luck(self) -> None:
        redrawn = redraw_trades(np.full(10, 0.01), 1_000.0)
        assert redrawn.final == pytest.approx((1_000 * 1.01**10,) * 3)
        assert redrawn.drawdown == (0, 0, 0)
        assert redrawn.loss_share == 0

    def test_percentiles_are_those_of_the_growth_the_trades_allow(self) -> None:
        rates = np.random.default_rng(3).normal(0.002, 0.03, 200)
        redrawn = redraw_trades(rates, 1.0, draws=4_000)
        mean, deviation = np.log1p(rates).mean() * 200, np.log1p(rates).std() * np.sqrt(200)
        assert np.log(redrawn.final) == pytest.approx(mean + deviation * np.array([-1.645, 0, 1.645]), abs=0.06)
        assert redrawn.drawdown[0] < redrawn.drawdown[1] < redrawn.drawdown[2] < 0

    def test_the_same_seed_draws_the_same_and_portions_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rates = np.random.default_rng(4).normal(0, 0.02, 50)
        whole = redraw_trades(rates, 1.0, seed=9)
        assert redraw_trades(rates, 1.0, seed=9) == whole
        assert redraw_trades(rates, 1.0, seed=10) != whole
        monkeypatch.setattr("quant.backtest.robustness._CELLS_MAX", 50 * 7)
        assert redraw_trades(rates, 1.0, seed=9) == whole

    def test_no_trades_and_too_many_draws_are_refused(self) -> None:
        for rates, draws in ((np.array([]), 10), (np.array([0.1]), 10_001)):
            with pytest.raises(ValueError, match="draws"):
                redraw_trades(rates, 1.0, draws)


class TestWalkingForward:
    def test_each_window_is_tested_on_the_bars_after_those_it_was_chosen_on(self) -> None:
        bars = a_walk()
        walked = walk_forward(bars, CROSS, GRID, cost_rates(bars, "KOSPI"), WALK)
        assert len(walked.windows) == (600 - 120) // 60
        assert len(walked.equity) == 480
        for window in walked.windows:
            assert window.train[0] < window.train[1] < window.test[0] < window.test[1]
            assert set(window.parameters) == {"fast", "slow"}
        growth = np.prod([1 + window.out_of_sample for window in walked.windows])
        assert walked.metrics["equity_final"] == pytest.approx(CROSS.initial_cash * growth)
        assert walked.metrics["trades"]

    def test_every_choice_is_the_best_of_its_training_bars(self) -> None:
        bars = a_walk()
        walked = walk_forward(bars, CROSS, GRID, CostRates.free(bars), WALK)
        for place, window in enumerate(walked.windows):
            columns = {name: getattr(bars, name)[place * 60 : place * 60 + 120] for name in ("open", "high", "low")}
            columns |= {"close": bars.close[place * 60 :][:120], "volume": bars.volume[:120]}
            part = Bars.of(bars.dates[place * 60 :][:120], columns)
            rows = sweep(part, CROSS, GRID, CostRates.free(part))
            best = max(row.metrics["sharpe"] or -np.inf for row in rows)
            (chosen,) = [row for row in rows if row.parameters == window.parameters]
            assert chosen.metrics["sharpe"] == best
            assert chosen.metrics["total_return"] == window.in_sample

    def test_no_window_sees_what_comes_after_it(self) -> None:
        bars = a_walk(6, 300)

        def observe(seen: Bars) -> dict[str, np.ndarray]:
            equity = walk_forward(seen, CROSS, GRID, CostRates.free(seen), WALK).equity
            return {"equity": np.concatenate((np.zeros(120), equity))}

        assert find_look_ahead(bars, observe, cuts=6) == ()

    @pytest.mark.parametrize(
        ("walk", "nearest"),
        [
            (Walk(500, 200), "both together may have 600"),
            (Walk(1, 60), "choose on 2 or more, and test on 3 or more"),
            (Walk(120, 1), "and test on 3 or more"),
            (Walk(2, 2), "and test on 3 or more"),
        ],
    )
    def test_windows_that_do_not_fit_are_refused_with_what_would(self, walk: Walk, nearest: str) -> None:
        bars = a_walk()
        with pytest.raises(ValueError, match=f"600 bars do not make .*{nearest}"):
            walk_forward(bars, CROSS, GRID, CostRates.free(bars), walk)


class TestRandomSearch:
    def test_a_draw_has_different_combinations_of_the_grid_and_repeats(self) -> None:
        huge = {"a": list(range(1_000)), "b": list(range(1_000)), "c": list(range(1_000))}
        drawn = sampled(huge, 500, seed=3)
        assert len({tuple(values.values()) for values in drawn}) == 500
        assert drawn == sampled(huge, 500, seed=3) != sampled(huge, 500, seed=4)
        assert np.mean([values["a"] for values in drawn]) == pytest.approx(500, abs=60)

    def test_drawn_combinations_have_the_figures_of_the_grid(self) -> None:
        bars = a_walk()
        every = {tuple(row.parameters.items()): row for row in sweep(bars, CROSS, GRID, CostRates.free(bars))}
        assert {tuple(values.items()) for values in sampled(GRID, 9)} == set(every)
        for row in sweep(bars, CROSS, GRID, CostRates.free(bars), sampled(GRID, 4)):
            assert row == every[tuple(row.parameters.items())]

    @pytest.mark.parametrize("count", [0, 10, COMBINATIONS_MAX + 1])
    def test_more_than_there_are_cannot_be_drawn(self, count: int) -> None:
        with pytest.raises(ValueError, match="combinations can be drawn"):
            sampled(GRID, count)
