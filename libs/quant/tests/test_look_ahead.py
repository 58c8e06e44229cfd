"""Nothing we compute sees the future: every indicator, every signal, both engines; and the detector would tell."""

import numpy as np
import pytest
from quant.backtest import StrategySpec, Venue, cost_rates, find_look_ahead, run, run_event_driven
from quant.backtest.look_ahead import Observed
from quant.bars import Bars
from quant.indicators import REGISTRY
from quant.markets.calendar import sessions_between
from quant.rules import compile_rule

pytestmark = pytest.mark.requirement("product 4: no look-ahead, checked by a detector")


@pytest.fixture(scope="module")
def bars() -> Bars:
    random = np.random.default_rng(11)
    close = np.round(20_000 * np.exp(random.normal(0, 0.02, 500).cumsum()))
    opened = np.round(close * np.exp(random.normal(0, 0.01, 500)))
    days = sessions_between("KRX", *np.array(["2022-01-03", "2026-01-01"], dtype="datetime64[D]").tolist())[:500]
    columns = {
        "open": opened,
        "high": np.round(np.maximum(opened, close) * 1.01),
        "low": np.round(np.minimum(opened, close) * 0.99),
        "close": close,
        "volume": random.integers(1_000, 100_000, 500).astype(float),
    }
    return Bars.of(list(days), columns)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_no_indicator_looks_ahead(bars: Bars, name: str) -> None:
    indicator = REGISTRY[name]
    defaults = [parameter.default for parameter in indicator.parameters]

    def observe(seen: Bars) -> Observed:
        frame = seen.frame()
        found = indicator.compute(*[frame[field] for field in indicator.inputs], *defaults)
        return dict(zip(indicator.outputs, found, strict=True))

    assert find_look_ahead(bars, observe) == ()


def test_no_signal_and_no_engine_looks_ahead(bars: Bars) -> None:
    spec = StrategySpec("rsi(5) < 45", "rsi(5) > 60", 0.04, 0.08, trailing_stop=0.06, holding_bars=20)

    def observe(seen: Bars) -> Observed:
        done = run_event_driven(seen, spec, Venue("KOSPI"))
        return {
            "signals": compile_rule(spec.entry).mask(seen.frame()),
            "compiled": run(seen, spec, cost_rates(seen, "KOSPI")).equity,
            "event-driven": done.result.equity,
            "settled": done.settled_cash,
        }

    assert len(run(bars, spec, cost_rates(bars, "KOSPI")).trades) > 20
    assert find_look_ahead(bars, observe) == ()


@pytest.mark.parametrize(
    "cheat",
    [
        lambda seen: np.append(seen.close[1:], np.nan),
        lambda seen: seen.close / seen.close.mean(),
        lambda seen: np.convolve(seen.close, np.ones(5) / 5, "same"),
        lambda seen: np.append(seen.volume[1:], 0) > seen.volume,
    ],
    ids=["tomorrow's close", "a mean of all time", "a centred average", "tomorrow's volume"],
)
def test_the_detector_catches_whoever_looks_ahead(bars: Bars, cheat: object) -> None:
    (leak,) = find_look_ahead(bars, lambda seen: {"cheat": cheat(seen), "close": seen.close})  # type: ignore[operator]
    assert leak.column == "cheat"
    assert leak.on <= leak.known_until


def test_a_column_of_another_length_is_refused(bars: Bars) -> None:
    with pytest.raises(ValueError, match="one value per bar is expected of short"):
        find_look_ahead(bars, lambda seen: {"short": seen.close[1:]})
