"""Indicators against hand-made sums and, where it is at hand, an independent library's full series."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quant.bars import FIELDS, Frame
from quant.indicators import REGISTRY, compute


def a_frame(close: list[float], volume: float = 100.0) -> Frame:
    values = np.array(close, dtype=float)
    volumes = np.full(len(close), volume)
    return {"open": values, "high": values + 1, "low": values - 1, "close": values, "volume": volumes}


def value(name: str, close: list[float], *parameters: float) -> list[float]:
    return [round(float(x), 6) for x in compute(name, a_frame(close), parameters)["value"]]


class TestByHand:
    def test_a_simple_average_begins_when_its_window_is_full(self) -> None:
        np.testing.assert_equal(value("sma", [1, 2, 3, 4, 6], 3), [np.nan, np.nan, 2, 3, 4.333333])

    def test_an_exponential_average_starts_from_the_mean_of_its_first_values(self) -> None:
        np.testing.assert_equal(value("ema", [1, 2, 3, 4, 6], 3), [np.nan, np.nan, 2, 3, 4.5])

    def test_a_weighted_average_weighs_the_newest_most(self) -> None:
        np.testing.assert_equal(value("wma", [1, 2, 6], 3)[2], round((1 + 2 * 2 + 3 * 6) / 6, 6))

    def test_rsi_compares_mean_gains_with_mean_losses_then_smooths_as_wilder(self) -> None:
        # gains 2 0 then 1, losses 0 1 then 0: means 1 and 0.5, then (1+1)/2 and 0.25.
        np.testing.assert_equal(
            value("rsi", [10, 12, 11, 12], 2), [np.nan, np.nan, round(100 * 1 / 1.5, 6), round(100 / 1.25, 6)]
        )

    def test_the_true_range_looks_back_to_the_last_close(self) -> None:
        # ranges after the first bar: max(2, |5+1-1|, |5-1-1|)=5 and 2; mean of two is 3.5.
        np.testing.assert_equal(value("atr", [1, 5, 5], 2), [np.nan, np.nan, 3.5])

    def test_macd_is_the_difference_of_two_averages_and_its_own_average(self) -> None:
        close = [1.0, 2, 4, 7, 11, 16]
        parts = compute("macd", a_frame(close), (2, 3, 2))
        line = np.array(value("ema", close, 2)) - np.array(value("ema", close, 3))
        np.testing.assert_allclose(parts["macd"], line, atol=1e-6)
        assert np.isnan(parts["signal"][2])
        assert parts["signal"][3] == pytest.approx(np.mean(parts["macd"][2:4]))
        np.testing.assert_allclose(parts["histogram"], parts["macd"] - parts["signal"])

    def test_bollinger_bands_use_the_population_deviation(self) -> None:
        bands = compute("bbands", a_frame([1, 2, 3]), (3, 2))
        width = 2 * np.std([1, 2, 3])
        assert (bands["upper"][2], bands["middle"][2], bands["lower"][2]) == pytest.approx((2 + width, 2, 2 - width))

    def test_changes_are_a_fraction_or_a_percentage(self) -> None:
        np.testing.assert_equal(value("pct_change", [10, 11], 1), [np.nan, 0.1])
        np.testing.assert_equal(value("roc", [10, 11], 1), [np.nan, 10])

    def test_extremes_look_at_highs_and_lows(self) -> None:
        assert value("highest", [3, 1, 2], 2)[1:] == [4, 3]
        assert value("lowest", [3, 1, 2], 2)[1:] == [0, 0]
        assert value("highest", [3, 1, 2], 1) == [4, 2, 3]

    def test_volume_adds_up_with_the_direction_of_the_close(self) -> None:
        assert value("obv", [1, 2, 1, 1]) == [100, 200, 100, 100]

    def test_a_flat_market_has_no_trend(self) -> None:
        parts = compute("adx", a_frame([5.0] * 12), (3,))
        assert parts["adx"][5:].tolist() == [0.0] * 7
        assert np.all(np.isnan(parts["adx"][:5]))

    def test_a_steady_rise_is_all_trend_and_all_up(self) -> None:
        parts = compute("adx", a_frame([float(x) for x in range(12)]), (3,))
        assert parts["adx"][-1] == pytest.approx(100)
        assert (parts["plus"][-1], parts["minus"][-1]) == pytest.approx((50, 0))


class TestTheTable:
    def test_defaults_fill_in_for_what_is_left_out(self) -> None:
        assert REGISTRY["macd"].bind(()) == (12, 26, 9)
        assert REGISTRY["macd"].bind((5,)) == (5, 26, 9)

    @pytest.mark.parametrize(
        ("name", "values", "message"),
        [
            ("sma", (0,), "between 1 and 1000"),
            ("sma", (1001,), "between 1 and 1000"),
            ("rsi", (1,), "between 2"),
            ("sma", (2.5,), "whole number"),
            ("sma", (1, 2), "at most 1 parameters"),
            ("obv", (1,), "none"),
            ("bbands", (20, 99), "width must be between"),
        ],
    )
    def test_parameters_out_of_bounds_are_explained(self, name: str, values: tuple[float, ...], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            REGISTRY[name].bind(values)

    def test_another_series_replaces_the_input_of_those_that_read_one(self) -> None:
        frame = a_frame([1, 2, 3])
        assert compute("sma", frame, (2,), frame["volume"])["value"][-1] == 100
        with pytest.raises(ValueError, match="takes no other series"):
            compute("atr", frame, (2,), frame["volume"])

    @pytest.mark.parametrize("name", sorted(REGISTRY))
    @pytest.mark.parametrize("size", [0, 1, 2, 5, 60])
    def test_every_indicator_keeps_the_length_and_invents_no_early_values(self, name: str, size: int) -> None:
        random = np.random.default_rng(size)
        frame = a_frame(list(100 + random.normal(size=size).cumsum()))
        for output in compute(name, frame).values():
            assert output.shape == (size,)
            known = np.flatnonzero(~np.isnan(output))
            assert len(known) == 0 or np.all(~np.isnan(output[known[0] :]))


@settings(max_examples=25)
@given(name=st.sampled_from(sorted(REGISTRY)), cut=st.integers(2, 119), seed=st.integers(0, 1_000))
def test_no_indicator_sees_the_future(name: str, cut: int, seed: int) -> None:
    close = list(100 + np.random.default_rng(seed).normal(size=120).cumsum())
    whole, part = compute(name, a_frame(close)), compute(name, a_frame(close[:cut]))
    for output, values in part.items():
        np.testing.assert_array_equal(values, whole[output][:cut])


# our name, its parameters and output; the reference's file and field
REFERENCE: list[tuple[str, tuple[float, ...], str, str, str]] = [
    ("sma", (20,), "value", "sma", "sma"),
    ("ema", (20,), "value", "ema", "ema"),
    ("wma", (14,), "value", "wma", "wma"),
    ("rma", (20,), "value", "smma", "smma"),
    ("kama", (10,), "value", "kama", "kama"),
    ("hma", (14,), "value", "hma", "hma"),
    ("alma", (9, 0.85, 6), "value", "alma", "alma"),
    ("vwma", (14,), "value", "vwma", "vwma"),
    ("linreg", (10,), "value", "epma", "epma"),
    ("rsi", (14,), "value", "rsi", "rsi"),
    ("macd", (12, 26, 9), "macd", "macd", "macd"),
    ("macd", (12, 26, 9), "signal", "macd", "signal"),
    ("macd", (12, 26, 9), "histogram", "macd", "histogram"),
    ("pvo", (12, 26, 9), "pvo", "pvo", "pvo"),
    ("pvo", (12, 26, 9), "signal", "pvo", "signal"),
    ("pvo", (12, 26, 9), "histogram", "pvo", "histogram"),
    ("bbands", (20, 2), "upper", "bb", "upperBand"),
    ("bbands", (20, 2), "middle", "bb", "sma"),
    ("bbands", (20, 2), "lower", "bb", "lowerBand"),
    ("zscore", (20,), "value", "bb", "zScore"),
    ("keltner", (20, 2, 10), "upper", "keltner", "upperBand"),
    ("keltner", (20, 2, 10), "lower", "keltner", "lowerBand"),
    ("keltner", (20, 2, 10), "middle", "keltner", "centerline"),
    ("starc", (5, 2, 10), "upper", "starc", "upperBand"),
    ("starc", (5, 2, 10), "lower", "starc", "lowerBand"),
    ("starc", (5, 2, 10), "middle", "starc", "centerline"),
    ("envelope", (20, 2.5), "upper", "ma-env", "upperEnvelope"),
    ("envelope", (20, 2.5), "lower", "ma-env", "lowerEnvelope"),
    ("donchian", (20,), "upper", "donchian", "upperBand"),
    ("donchian", (20,), "lower", "donchian", "lowerBand"),
    ("donchian", (20,), "middle", "donchian", "centerline"),
    ("ichimoku", (9, 26, 52), "tenkan", "ichimoku", "tenkanSen"),
    ("ichimoku", (9, 26, 52), "kijun", "ichimoku", "kijunSen"),
    ("ichimoku", (9, 26, 52), "senkou_a", "ichimoku", "senkouSpanA"),
    ("ichimoku", (9, 26, 52), "senkou_b", "ichimoku", "senkouSpanB"),
    ("alligator", (13, 8, 5), "jaw", "alligator", "jaw"),
    ("alligator", (13, 8, 5), "teeth", "alligator", "teeth"),
    ("alligator", (13, 8, 5), "lips", "alligator", "lips"),
    ("gator", (13, 8, 5), "upper", "gator", "upper"),
    ("gator", (13, 8, 5), "lower", "gator", "lower"),
    ("atr", (14,), "value", "atr", "atr"),
    ("natr", (14,), "value", "atr", "atrp"),
    ("tr", (), "value", "tr", "tr"),
    ("adx", (14,), "adx", "adx", "adx"),
    ("adx", (14,), "plus", "adx", "pdi"),
    ("adx", (14,), "minus", "adx", "mdi"),
    ("adx", (14,), "dx", "adx", "dx"),
    ("cci", (20,), "value", "cci", "cci"),
    ("mfi", (14,), "value", "mfi", "mfi"),
    ("stoch", (14, 3, 3), "k", "stoch", "k"),
    ("stoch", (14, 3, 3), "d", "stoch", "d"),
    ("kdj", (14, 3, 3), "j", "stoch", "j"),
    ("stochrsi", (14, 14, 1, 3), "k", "stoch-rsi", "stochRsi"),
    ("stochrsi", (14, 14, 1, 3), "d", "stoch-rsi", "signal"),
    ("willr", (14,), "value", "willr", "williamsR"),
    ("roc", (14,), "value", "roc", "roc"),
    ("mom", (14,), "value", "roc", "momentum"),
    ("stddev", (14,), "value", "stdev", "stdDev"),
    ("zscore", (14,), "value", "stdev", "zScore"),
    ("slope", (14,), "value", "slope", "slope"),
    ("avgdev", (20,), "value", "sma-analysis", "mad"),
    ("cmo", (14,), "value", "cmo", "cmo"),
    ("ultosc", (7, 14, 28), "value", "uo", "ultimate"),
    ("tsi", (25, 13, 7), "tsi", "tsi", "tsi"),
    ("tsi", (25, 13, 7), "signal", "tsi", "signal"),
    ("aroon", (25,), "up", "aroon", "aroonUp"),
    ("aroon", (25,), "down", "aroon", "aroonDown"),
    ("aroon", (25,), "oscillator", "aroon", "oscillator"),
    ("ao", (5, 34), "value", "awesome", "oscillator"),
    ("bop", (14,), "value", "bop", "bop"),
    ("crsi", (3, 2, 100), "value", "crsi", "connorsRsi"),
    ("elder_ray", (13,), "bull", "elder-ray", "bullPower"),
    ("elder_ray", (13,), "bear", "elder-ray", "bearPower"),
    ("vortex", (14,), "plus", "vortex", "pvi"),
    ("vortex", (14,), "minus", "vortex", "nvi"),
    ("chop", (14,), "value", "chop", "chop"),
    ("ulcer", (14,), "value", "ulcer", "ui"),
    ("ulcer", (14,), "value", "ulcer", "ulcerIndex"),
    ("supertrend", (10, 3), "line", "supertrend", "superTrend"),
    ("chandelier", (22, 3), "long", "chexit", "chandelierExit"),
    ("heikinashi", (), "open", "heikinashi", "open"),
    ("heikinashi", (), "high", "heikinashi", "high"),
    ("heikinashi", (), "low", "heikinashi", "low"),
    ("heikinashi", (), "close", "heikinashi", "close"),
    ("ad", (), "value", "adl", "adl"),
    ("adosc", (3, 10), "value", "chaikin-osc", "oscillator"),
    ("cmf", (20,), "value", "cmf", "cmf"),
    ("force", (2,), "value", "force", "forceIndex"),
    ("vwap", (), "value", "vwap", "vwap"),
]


@pytest.mark.parametrize(("name", "parameters", "output", "file", "key"), REFERENCE)
def test_the_whole_series_agrees_with_an_independent_library(
    reference_data: Path, name: str, parameters: tuple[float, ...], output: str, file: str, key: str
) -> None:
    folder = reference_data / "indicators_ref" / "skender"
    with (folder / "quotes" / "default.csv").open(encoding="utf-8-sig") as bars:
        rows = list(csv.DictReader(bars))
    frame = {field: np.array([float(row[field]) for row in rows]) for field in FIELDS}
    results = json.loads((folder / "results" / f"{file}.standard.json").read_text(encoding="utf-8-sig"))
    expected = np.array([np.nan if row.get(key) is None else float(row[key]) for row in results])
    np.testing.assert_allclose(compute(name, frame, parameters)[output], expected, rtol=1e-9, atol=1e-9)


def test_forty_indicators_and_more_have_an_independent_witness() -> None:
    assert len({name for name, *_ in REFERENCE}) >= 40


class TestLookBack:
    """What an indicator says about its first value is what happens, for any parameters."""

    @pytest.mark.parametrize("name", sorted(REGISTRY))
    def test_the_first_value_comes_when_it_was_promised(self, name: str) -> None:
        indicator, frame = REGISTRY[name], a_market(400)
        for shrink in (1, 2, 3):
            values = [
                max(parameter.least, parameter.default // shrink) if parameter.is_whole else parameter.default
                for parameter in indicator.parameters
            ]
            promised = indicator.look_backs(indicator.bind(values))
            for output, series in compute(name, frame, values).items():
                known = np.flatnonzero(~np.isnan(series))
                assert known[0] == promised[output], (name, values, output)
                assert len(known) == len(series) - known[0], (name, values, output)

    @pytest.mark.parametrize("bound", ["least", "most"])
    @pytest.mark.parametrize("name", sorted(REGISTRY))
    def test_what_the_bounds_allow_can_be_computed(self, name: str, bound: str) -> None:
        values = [getattr(parameter, bound) for parameter in REGISTRY[name].parameters]
        for series in compute(name, a_market(40), values).values():
            assert series.shape == (40,)

    @pytest.mark.parametrize("name", sorted(REGISTRY))
    def test_one_bar_less_than_needed_gives_nothing(self, name: str) -> None:
        first = min(REGISTRY[name].look_backs(REGISTRY[name].bind(())).values())
        for series in compute(name, {field: values[:first] for field, values in a_market(200).items()}).values():
            assert np.all(np.isnan(series))


def a_market(size: int) -> Frame:
    """Bars in which high and low enclose open and close, and nothing stands still."""
    random = np.random.default_rng(11)
    close = 100 + random.normal(size=size).cumsum()
    open_ = close + random.normal(size=size)
    return {
        "open": open_,
        "high": np.maximum(open_, close) + random.random(size),
        "low": np.minimum(open_, close) - random.random(size),
        "close": close,
        "volume": random.integers(1, 1_000, size).astype(float),
    }


def an_hour(**columns: list[float]) -> Frame:
    return {name: np.array(values, dtype=float) for name, values in columns.items()}


class TestMoreByHand:
    def test_vwap_weighs_typical_prices_by_volume_from_the_first_bar_or_over_a_period(self) -> None:
        frame = an_hour(high=[12, 24, 36], low=[8, 16, 24], close=[10, 20, 30], volume=[1, 3, 0])
        assert compute("vwap", frame)["value"].tolist() == [10, 17.5, 17.5]
        np.testing.assert_equal(compute("vwap", frame, (2,))["value"].tolist(), [np.nan, 17.5, 20])

    def test_ichimoku_shifts_the_cloud_forward_and_knows_nothing_of_later_bars(self) -> None:
        frame = an_hour(high=[2, 4, 6, 8, 10], low=[0, 2, 4, 6, 8])
        cloud = compute("ichimoku", frame, (1, 2, 3))
        assert cloud["tenkan"].tolist() == [1, 3, 5, 7, 9]
        np.testing.assert_equal(cloud["kijun"].tolist(), [np.nan, 2, 4, 6, 8])
        # the cloud of bar 3 was made on bar 1: (3 + 2) / 2; that of bar 4 from three bars: (6 + 0) / 2
        np.testing.assert_equal(cloud["senkou_a"].tolist(), [np.nan, np.nan, np.nan, 2.5, 4.5])
        np.testing.assert_equal(cloud["senkou_b"].tolist(), [np.nan, np.nan, np.nan, np.nan, 3])

    def test_a_channel_of_the_bars_before_can_be_broken_by_this_one(self) -> None:
        frame = an_hour(high=[3, 5, 9], low=[1, 2, 8])
        channel = compute("donchian", frame, (2,))
        assert (channel["upper"][2], channel["middle"][2], channel["lower"][2]) == (5, 3, 1)

    def test_aroon_counts_from_the_earliest_of_equal_extremes(self) -> None:
        lines = compute("aroon", an_hour(high=[9, 5, 9, 5], low=[1, 2, 2, 3]), (3,))
        assert (lines["up"][3], lines["down"][3]) == (0, 0)

    def test_supertrend_has_no_direction_before_it_has_a_line(self) -> None:
        trend = compute("supertrend", a_market(60), (10, 3))
        assert np.array_equal(np.isnan(trend["line"]), np.isnan(trend["direction"]))
        assert set(trend["direction"][10:]) <= {1.0, -1.0}

    def test_all_61_candlestick_patterns_are_there(self) -> None:
        assert len([name for name in REGISTRY if name.startswith("cdl")]) == 61

    def test_an_engulfing_body_is_bullish_after_a_fall_and_a_doji_has_none(self) -> None:
        quiet = [[100.0, 100.5, 98.5, 99.0]] * 12
        bars = np.array([*quiet, [98, 101, 97, 100.5], [100, 103, 97, 100]])
        frame = dict(zip(("open", "high", "low", "close"), bars.T.copy(), strict=True))
        assert compute("cdlengulfing", frame)["value"][12] == 100
        assert compute("cdldoji", frame)["value"].tolist()[12:] == [0, 100]
