"""Indicators against hand-made sums and, where it is at hand, an independent library's full series."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quant.bars import Frame
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


REFERENCE = [
    ("sma", (20,), "value", "sma", "sma"),
    ("ema", (20,), "value", "ema", "ema"),
    ("wma", (14,), "value", "wma", "wma"),
    ("rsi", (14,), "value", "rsi", "rsi"),
    ("macd", (12, 26, 9), "macd", "macd", "macd"),
    ("macd", (12, 26, 9), "signal", "macd", "signal"),
    ("macd", (12, 26, 9), "histogram", "macd", "histogram"),
    ("bbands", (20, 2), "upper", "bb", "upperBand"),
    ("bbands", (20, 2), "middle", "bb", "sma"),
    ("bbands", (20, 2), "lower", "bb", "lowerBand"),
    ("atr", (14,), "value", "atr", "atr"),
    ("adx", (14,), "adx", "adx", "adx"),
    ("adx", (14,), "plus", "adx", "pdi"),
    ("adx", (14,), "minus", "adx", "mdi"),
    ("cci", (20,), "value", "cci", "cci"),
    ("mfi", (14,), "value", "mfi", "mfi"),
    ("stoch", (14, 3, 3), "k", "stoch", "k"),
    ("stoch", (14, 3, 3), "d", "stoch", "d"),
    ("willr", (14,), "value", "willr", "williamsR"),
    ("roc", (14,), "value", "roc", "roc"),
    ("stddev", (14,), "value", "stdev", "stdDev"),
]


@pytest.mark.parametrize(("name", "parameters", "output", "file", "key"), REFERENCE)
def test_the_whole_series_agrees_with_an_independent_library(
    reference_data: Path, name: str, parameters: tuple[float, ...], output: str, file: str, key: str
) -> None:
    folder = reference_data / "indicators_ref" / "skender"
    with (folder / "quotes" / "default.csv").open(encoding="utf-8-sig") as bars:
        rows = list(csv.DictReader(bars))
    frame = {field: np.array([float(row[field]) for row in rows]) for field in ("high", "low", "close", "volume")}
    results = json.loads((folder / "results" / f"{file}.standard.json").read_text(encoding="utf-8-sig"))
    expected = np.array([np.nan if row.get(key) is None else float(row[key]) for row in results])
    np.testing.assert_allclose(compute(name, frame, parameters)[output], expected, rtol=1e-9, atol=1e-9)
