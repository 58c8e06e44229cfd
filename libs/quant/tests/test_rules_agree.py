"""One rule, four ways to ask it: over columns, bar by bar, over many symbols at once, and from a later beginning."""

import numpy as np
import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from quant.bars import FIELDS, Frame
from quant.indicators import REGISTRY, Indicator
from quant.rules import STEPS_MAX, Columns, LiveRule, Rule, RuleError, compile_rule, compile_series, judge

PERIODS = st.integers(2, 6)


def bars(size: int, seed: int, *, flat: bool = False) -> Frame:
    """A market, with bars that stand still or do not trade when it is flat: divisions by zero happen."""
    random = np.random.default_rng(seed)
    steps = random.choice([-1.0, 0.0, 0.0, 1.0], size) if flat else random.normal(size=size)
    close = 100 + steps.cumsum()
    spread = np.zeros(size) if flat else random.random(size)
    volume = random.integers(0, 3 if flat else 1_000, size).astype(float)
    return {"open": close.copy(), "high": close + spread, "low": close - spread, "close": close, "volume": volume}


def _call(indicator: Indicator, periods: list[int]) -> str:
    values = [
        str(value) if one.is_whole else f"{one.default:g}"
        for one, value in zip(indicator.parameters, periods, strict=False)
    ]
    return f"{indicator.name}({', '.join(values)})"


@st.composite
def calls(draw: st.DrawFn) -> str:
    indicator = REGISTRY[draw(st.sampled_from(sorted(REGISTRY)))]
    text = _call(indicator, draw(st.lists(PERIODS, min_size=4, max_size=4)))
    return f"{text}.{draw(st.sampled_from(indicator.outputs))}" if len(indicator.outputs) > 1 else text


def numbers() -> st.SearchStrategy[str]:
    simple = st.one_of(st.sampled_from(FIELDS), st.integers(0, 200).map(str), calls())

    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        arithmetic = st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda part: f"({' '.join(part)})")
        nested = st.tuples(st.sampled_from(["sma", "ema", "rsi", "highest", "pct_change"]), inner, PERIODS).filter(
            lambda part: not part[1].isdigit()
        )
        return st.one_of(arithmetic, nested.map(lambda part: f"{part[0]}({part[1]}, {part[2]})"))

    return st.recursive(simple, deeper, max_leaves=4)


def rules() -> st.SearchStrategy[str]:
    compared = st.tuples(numbers(), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers()).map(" ".join)
    crossed = st.tuples(st.sampled_from(["above", "below"]), numbers(), numbers()).map(
        lambda part: f"crosses_{part[0]}({part[1]}, {part[2]})"
    )

    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        joined = st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda part: f"({' '.join(part)})")
        return st.one_of(joined, inner.map(lambda part: f"(not {part})"))

    return st.recursive(st.one_of(compared, crossed), deeper, max_leaves=3)


@settings(max_examples=300, deadline=None)
@example(text="0 < sma((0 + 0), 2)", size=3, seed=0, flat=False, history=0)
@given(
    text=rules(), size=st.integers(1, 60), seed=st.integers(0, 10_000), flat=st.booleans(), history=st.integers(0, 60)
)
def test_bar_by_bar_says_the_same_as_over_columns_bit_for_bit(
    text: str, size: int, seed: int, flat: bool, history: int
) -> None:
    rule, frame = _compiled(text), bars(size, seed, flat=flat)
    whole = rule.mask(frame)
    known = min(history, size)
    live = LiveRule(rule, {name: values[:known] for name, values in frame.items()})
    for place in range(known, size):
        bar = {name: float(values[place]) for name, values in frame.items()}
        assert live.peek({name: value * 2 for name, value in bar.items()}) in {True, False}
        assert live.peek(bar) == whole[place], (text, place)
        assert live.push(bar) == whole[place], (text, place)


@settings(max_examples=150, deadline=None)
@given(text=numbers(), size=st.integers(1, 60), cut=st.integers(1, 60), seed=st.integers(0, 10_000), flat=st.booleans())
def test_no_number_changes_when_later_bars_arrive(text: str, size: int, cut: int, seed: int, flat: bool) -> None:
    frame = bars(size, seed, flat=flat)
    try:
        columns = compile_series(text)
    except RuleError:
        reject()
    for node in columns.values():
        whole = node.series(Columns(frame))
        part = node.series(Columns({name: values[:cut] for name, values in frame.items()}))
        assert part.tobytes() == whole[: len(part)].tobytes(), text


@settings(max_examples=150, deadline=None)
@given(text=rules(), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4), seed=st.integers(0, 10_000))
def test_many_symbols_at_once_say_the_same_as_one_by_one(text: str, sizes: list[int], seed: int) -> None:
    rule = _compiled(text)
    frames = [bars(size, seed + place, flat=place % 2 == 1) for place, size in enumerate(sizes)]
    together = {name: np.concatenate([frame[name] for frame in frames]) for name in FIELDS}
    starts = np.cumsum([0, *sizes[:-1]])
    expected = np.concatenate([rule.mask(frame) for frame in frames])
    assert np.array_equal(rule.mask_of_many(together, starts), expected), text


@settings(max_examples=150, deadline=None)
@given(text=numbers(), seed=st.integers(0, 10_000))
def test_the_look_back_is_known_before_a_bar_is_read(text: str, seed: int) -> None:
    rule, frame = _compiled(f"{text} >= 0"), bars(120, seed)
    (node,) = compile_series(text).values()
    known = ~np.isnan(node.series(Columns(frame)))
    assert not known[: rule.look_back].any()
    # a division may be unknown on any bar; everything else is known as soon as it can be
    if "/" not in text:
        assert known[rule.look_back]


def _compiled(text: str) -> Rule:
    try:
        return compile_rule(text)
    except RuleError:
        reject()


class TestBounds:
    def test_a_rule_that_reads_too_much_for_each_bar_is_refused_in_two_languages(self) -> None:
        dear = " and ".join(f"cci({1000 - part}) > 0" for part in range(11))
        with pytest.raises(RuleError, match=f"more than {STEPS_MAX}") as refused:
            compile_rule(dear)
        assert "기간을 줄이세요" in refused.value.message_ko
        assert refused.value.column == 1

    def test_a_rule_knows_its_cost_and_its_look_back(self) -> None:
        rule = compile_rule("crosses_above(sma(5), sma(20)) and rsi(14) < 30")
        assert rule.look_back == 20
        assert rule.steps == 6 + 21 + 15
        assert compile_rule("ema(rsi(14), 9) > 50").look_back == 14 + 8

    def test_a_live_rule_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("quant.rules.live.BARS_MAX", 3)
        live = LiveRule(compile_rule("close > 1"), {"close": np.array([1.0, 2.0])})
        assert live.push({"close": 2.0})
        with pytest.raises(ValueError, match="begin again"):
            live.push({"close": 2.0})
        with pytest.raises(ValueError, match="begin later"):
            LiveRule(compile_rule("close > 1"), {"close": np.ones(4)})

    @pytest.mark.parametrize(
        ("text", "column", "korean"),
        [
            ("rsi(14) <", 10, "읽을 수 없습니다"),
            ("close = 3", 7, "=="),
            ("close > smaa(3)", 9, "알 수 없는 함수"),
            ("klose > 3", 1, "close 을(를) 찾으셨나요"),
            ("close > rsi(1)", 9, "2 이상"),
            ("close", 1, "조건이 필요합니다"),
            ("macd(12,26,9).sgnal > 0", 1, "macd 의 값"),
            ("(close > 1) + 2 > 3", 2, "숫자가 필요합니다"),
            ("sma(close, close) > 1", 12, "숫자여야"),
            ("", 1, "비어"),
        ],
    )
    def test_errors_name_their_column_in_korean_too(self, text: str, column: int, korean: str) -> None:
        with pytest.raises(RuleError) as refused:
            compile_rule(text)
        assert (refused.value.column, korean in refused.value.message_ko) == (column, True), refused.value.message_ko


class TestColumnsByName:
    def test_a_number_is_one_column_and_an_indicator_of_several_parts_is_all_of_them(self) -> None:
        assert list(compile_series("rsi(14)")) == ["value"]
        assert list(compile_series("close / sma(20)")) == ["value"]
        assert list(compile_series("macd(12, 26, 9)")) == ["macd", "signal", "histogram"]
        with pytest.raises(RuleError, match="a number such as close"):
            compile_series("close > 1")

    def test_fundamentals_are_columns_like_any_other(self) -> None:
        rule = compile_rule("pct_change(1) > 0.05 and per < 12", frozenset({"per"}))
        frame = {"close": np.array([100.0, 106, 112]), "per": np.array([np.nan, 11, 13])}
        assert rule.mask(frame).tolist() == [False, True, False]


@pytest.mark.parametrize("opening", ["(", "-", "not ", "- (", "sma("])
def test_python_s_parser_never_meets_its_own_limit(opening: str) -> None:
    with pytest.raises(RuleError, match="nest"):
        compile_rule((opening * 1_000)[:990] + "1")
    compile("1", "a parser that was broken would say so here", "eval")


@settings(deadline=None, max_examples=60)
@given(rules(), st.integers(0, 2**16))
def test_a_judgement_of_the_newest_bar_is_the_last_of_the_column_and_names_what_it_read(text: str, seed: int) -> None:
    frame = bars(40, seed)
    try:
        rule = compile_rule(text)
    except RuleError:
        reject()
    judged = judge(rule, frame)
    assert judged.holds == rule.mask(frame)[-1]
    for reading in judged.readings:
        (column,) = compile_series(reading.text).values()
        assert np.array_equal(reading.value, column.series(Columns(frame))[-1], equal_nan=True)
