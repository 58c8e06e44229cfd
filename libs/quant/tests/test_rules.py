"""The rule language: what it means, what it refuses, and how it says so."""

import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from quant.bars import Frame
from quant.indicators import compute
from quant.rules import CALLS_MAX, DEPTH_MAX, TEXT_MAX, RuleError, compile_rule, fill_template, template_names


def a_frame(size: int = 80, seed: int = 7) -> Frame:
    random = np.random.default_rng(seed)
    close = 100 + random.normal(size=size).cumsum()
    return {
        "open": close - 0.5,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": random.integers(1, 1_000, size).astype(float),
    }


def holds(text: str, **columns: list[float]) -> list[bool]:
    return compile_rule(text).mask({name: np.array(values, dtype=float) for name, values in columns.items()}).tolist()


class TestMeaning:
    def test_comparisons_and_logic_follow_the_usual_precedence(self) -> None:
        close = [1, 2, 3, 4]
        assert holds("close > 2 and close < 4 or close == 1", close=close) == [True, False, True, False]
        assert holds("close > 2 and (close < 4 or close == 1)", close=close) == [False, False, True, False]
        assert holds("not close > 2", close=close) == [True, True, False, False]
        assert holds("1 < close <= 3", close=close) == [False, True, True, False]
        assert holds("close != 2", close=close) == [True, False, True, True]

    def test_arithmetic_works_on_columns(self) -> None:
        assert holds("(high - low) / 2 + 1 >= -low * -1", high=[4, 9], low=[2, 9]) == [True, False]

    def test_division_by_zero_is_unknown_and_unknown_compares_false(self) -> None:
        for sign in ("<", "<=", ">", ">=", "==", "!="):
            assert holds(f"close / 0 {sign} 1", close=[1, 0]) == [False, False]
            assert holds(f"close {sign} 1", close=[float("nan")]) == [False]

    def test_crossing_needs_the_bar_before(self) -> None:
        close = [1, 3, 3, 1, 2, 3]
        assert holds("crosses_above(close, 2)", close=close) == [False, True, False, False, False, True]
        assert holds("crosses_below(close, 2)", close=close) == [False, False, False, True, False, False]

    def test_indicators_are_those_of_the_table(self) -> None:
        frame = a_frame()
        with np.errstate(invalid="ignore"):
            expected = (compute("rsi", frame, (14,))["value"] < 50) & (frame["close"] > compute("sma", frame)["value"])
        assert np.array_equal(compile_rule("rsi(14) < 50 and close > sma()").mask(frame), expected)

    def test_parts_and_other_series_are_reached_by_name(self) -> None:
        frame = a_frame()
        macd = compute("macd", frame, (3, 6, 4))
        text = "crosses_above(macd(3, 6, 4).macd, macd(3, 6, 4).signal)"
        mask = compile_rule(text).mask(frame)
        for bar in np.flatnonzero(mask):
            assert macd["macd"][bar] > macd["signal"][bar]
            assert macd["macd"][bar - 1] <= macd["signal"][bar - 1]
        assert mask.any()
        nested = compile_rule("sma(volume, 5) > ema(sma(volume, 3), 4)").mask(frame)
        inner = compute("sma", frame, (3,), frame["volume"])["value"]
        outer = compute("ema", frame, (4,), inner)["value"]
        assert np.array_equal(nested, compute("sma", frame, (5,), frame["volume"])["value"] > outer)

    def test_the_default_series_may_be_written_out(self) -> None:
        assert compile_rule("sma(close, 5) > 1") == compile_rule(" sma(5)>1.0 ")

    def test_a_rule_knows_its_fields(self) -> None:
        assert compile_rule("atr(14) > 1 and not sma(volume, 5) < 3").fields == {"high", "low", "close", "volume"}
        assert compile_rule("crosses_above(per, 12)", frozenset({"per"})).fields == {"per"}

    def test_a_frame_without_a_needed_field_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'per'"):
            compile_rule("per < 12", frozenset({"per"})).mask(a_frame())

    def test_line_breaks_are_spaces(self) -> None:
        assert compile_rule("close > 1\n  and close < 5") == compile_rule("close > 1 and close < 5")

    def test_rules_over_one_frame_share_their_indicators(self) -> None:
        frame, memo = a_frame(), {}
        compile_rule("rsi(14) < 30").mask(frame, memo)
        compile_rule("rsi(14) > 70 and rsi(7) > 70").mask(frame, memo)
        assert len(memo) == 2


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "column", "message"),
        [
            ("", 1, "empty"),
            ("   ", 1, "empty"),
            ("close >", 8, "cannot read"),
            ("  close > foo", 11, "unknown field 'foo'"),
            ("clos > 1", 1, "did you mean close?"),
            ("RSI(14) > 1", 1, "did you mean rsi?"),
            ("rsi > 30", 1, "rsi is a function: write rsi(...)"),
            ("close(5) > 1", 1, "close is a field"),
            ("rsi(1) > 30", 1, "between 2 and 1000"),
            ("close > sma(2.5)", 9, "whole number"),
            ("sma(close) > sma(volume, close)", 26, "plain numbers"),
            ("atr(close, 14) > 1", 5, "reads high, low, close"),
            ("macd(12, 26, 9) > 0", 1, "macd(...).signal"),
            ("macd().oops > 0", 1, "unknown part of macd"),
            ("rsi(14).value > 0", 1, "unknown part of rsi"),
            ("close.real > 0", 1, "only indicators have parts"),
            ("sma(20)", 1, "a condition such as"),
            ("close", 1, "a condition such as"),
            ("(close > 1) + 1 > 2", 2, "a number such as"),
            ("close > 1 and sma(5)", 15, "a condition such as"),
            ("not close", 5, "a condition such as"),
            ("close = 5", 7, "use == to compare"),
            ("close > 1 & close < 3", 11, "use and"),
            ("close > 10%", 11, "0.1"),
            ("close[1] > 2", 6, "earlier bars"),
            ("close > 1_000", 9, "not a number"),
            ("close > 0x10", 9, "not a number"),
            ("close > 1j", 9, "not a number"),
            ("close > True", 9, "True is not a number"),
            ("close > 1e16", 9, "too large"),
            ("close > 1e999", 9, "too large"),
            ("close ** 2 > 1", 1, "only + - * /"),
            ("close // 2 > 1", 1, "only + - * /"),
            ("close is 2", 1, "compare with"),
            ("crosses_above(close) > 1", 1, "takes two numbers"),
            ("sma(period=5) > 1", 11, "use =="),
            ("sma({fast}) > 1", 5, "template"),
            ("close > 1 if close else 2", 1, "not part of the rule language"),
        ],
    )
    def test_every_error_says_why_and_where(self, text: str, column: int, message: str) -> None:
        with pytest.raises(RuleError) as caught:
            compile_rule(text)
        assert message in caught.value.message
        assert caught.value.column == column
        assert str(caught.value) == f"column {caught.value.column}: {caught.value.message}"


HOSTILE = [
    "__import__('os').system('id')",
    "close.__class__.__mro__ > 1",
    "rsi(14).__class__ > 1",
    "().__class__.__bases__[0].__subclasses__()",
    "(lambda: 1)() > 0",
    "[x for x in close] > 1",
    "sma(x for x in close) > 1",
    "sma(*close) > 1",
    "sma(**close) > 1",
    "9**9**9**9**9 > 1",
    "9999999999999999**9999999999999999 > close",
    "close > " + "9" * 900,
    "(" * 400 + "close" + ")" * 400 + " > 1",
    "not " * 240 + "close > 1",
    "-" * 900 + "close > 1",
    "close > 1" + " and close > 1" * 70,
    "close > " + "+".join(["sma(2)"] * 60),
    "sma(" * 60 + "close" + ", 2)" * 60 + " > 1",
    "x" * (TEXT_MAX + 1),
    "ｃｌｏｓｅ > 1",
    "сlose > 1",
    "close > ١",
    "close >\u00a01",
    "close > 1\x00",
    "close > 1 # hidden",
    "close > 1; import os",
    "close := 1",
    "f'{close}' > 1",
    "'a' < 'b'",
    "b'a' > 1",
    "print(close) > 1",
    "eval(close) > 1",
    "getattr(close, close) > 1",
    "close) or (close",
    "yield close",
    "await close",
    "... > 1",
    "None > 1",
    "close > 1 \\\n and close > 2",
    "1if close>1else 2",
    "sma(20)(5) > 1",
    "sma(20).value.value > 1",
    "macd(1,2,3).macd.macd > 1",
    "nan > inf",
    "sma(-5) > 1",
    "sma(1e300) > 1",
    "\ud800 > 1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_refused_with_a_column_inside_it(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_rule(text)
    assert 1 <= caught.value.column <= len(text) + 1


def test_the_bounds_themselves_are_allowed() -> None:
    compile_rule("not " * (DEPTH_MAX - 2) + "close > 1")
    compile_rule("close > " + "+".join(f"sma({period})" for period in range(1, 20)))
    compile_rule(" or ".join(["rsi(2) > 1"] * CALLS_MAX))


@settings(max_examples=300)
@given(st.text(alphabet="closermadi0123456789.,()<>=!+-*/ andotrk_{}&\n", max_size=60))
@example("0 <0 and")
@example("1and 2")
def test_any_text_compiles_or_is_refused_politely(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            mask = compile_rule(text).mask(a_frame())
        except RuleError as refusal:
            column = refusal.column
        else:
            column = 1
            assert (mask.dtype, mask.shape) == (np.bool_, (80,))
    assert 1 <= column <= len(text) + 1


@settings(max_examples=30)
@given(cut=st.integers(1, 79), seed=st.integers(0, 99))
def test_a_rule_never_sees_the_future(cut: int, seed: int) -> None:
    frame = a_frame(seed=seed)
    rule = compile_rule("crosses_above(ema(3), wma(8)) or rsi(5) < 30 and close > bbands(10, 2).lower")
    part = {name: values[:cut] for name, values in frame.items()}
    assert np.array_equal(rule.mask(part), rule.mask(frame)[:cut])


class TestTemplates:
    def test_names_in_braces_are_filled_with_numbers(self) -> None:
        template = "sma({fast}) > sma({slow}) * {factor}"
        assert template_names(template) == {"fast", "slow", "factor"}
        values = {"fast": 5, "slow": 20, "factor": 1.05}
        assert fill_template(template, values) == "sma(5) > sma(20) * 1.05"

    def test_a_name_without_a_number_is_missed(self) -> None:
        with pytest.raises(KeyError, match="slow"):
            fill_template("sma({slow}) > 1", {"fast": 5})
