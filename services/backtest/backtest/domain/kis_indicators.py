"""What the indicators of `.kis.yaml` are called here: ids, their parameters with defaults, their outputs.

Only those that mean the same stand in the table; whose id says something else there than here are in `REFUSED`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backtest.domain.marked import Marked


@dataclass(frozen=True, slots=True)
class Translated:
    """An indicator of a file as texts of the rule language, by its outputs; the first is the usual one."""

    outputs: Mapping[str, str]

    def shown(self, place: Marked, output: str | None) -> str:
        """The text of an output; `value` is the usual one of every indicator."""
        first = next(iter(self.outputs))
        name = first if output in {None, "value"} and "value" not in self.outputs else output or first
        if name not in self.outputs:
            raise place.refused(f"{output} is no output here; there are {', '.join(self.outputs)}")
        return self.outputs[name]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an indicator is written here: its parameters with their defaults there, and a text for each output.

    Attributes:
        equal: two parameters that are one here.
    """

    defaults: Mapping[str, float]
    outputs: Mapping[str, str]
    equal: tuple[str, str] | None = None

    def filled(self, numbers: Mapping[str, float]) -> Translated:
        """With these numbers. ValueError for two that have to be equal and are not."""
        if self.equal is not None and numbers[self.equal[0]] != numbers[self.equal[1]]:
            raise ValueError(f"{self.equal[0]} and {self.equal[1]} are one number here: make them equal")
        shown = {name: f"{value:.15g}" for name, value in numbers.items()}
        return Translated({name: text.format(**shown) for name, text in self.outputs.items()})


def _of(text: str, **defaults: float) -> Wanted:
    return Wanted(defaults, {"value": text})


def _band(text: str, **defaults: float) -> Wanted:
    return Wanted(defaults, {name: f"{text}.{name}" for name in ("middle", "upper", "lower")})


_MACD: Final = "macd({fast}, {slow}, {signal})"
_TSI: Final = "tsi({long_period}, {short_period}, {signal_period})"
_STOCH: Final = "stoch({k_period}, 1, {d_period})"
_STOCHRSI: Final = "stochrsi({stoch_period}, {rsi_period}, {k_period}, {d_period})"

INDICATORS: Final[Mapping[str, Wanted]] = {
    "sma": _of("sma({period})", period=20),
    "ema": _of("ema({period})", period=20),
    "dema": _of("dema({period})", period=20),
    "tema": _of("tema({period})", period=20),
    "hma": _of("hma({period})", period=20),
    "kama": _of("kama({period})", period=10),
    "alma": _of("alma({period}, {offset}, {sigma})", period=9, sigma=6, offset=0.85),
    "lwma": _of("wma({period})", period=20),
    "wma": _of("rma({period})", period=14),
    "trima": _of("trima({period})", period=20),
    "t3": _of("t3({period}, {volume_factor})", period=10, volume_factor=0.7),
    "zlema": _of("zlema({period})", period=20),
    "vwma": _of("vwma({period})", period=20),
    "rsi": _of("rsi({period})", period=14),
    "cci": _of("cci({period})", period=20),
    "williams_r": _of("willr({period})", period=14),
    "roc": _of("roc({period})", period=10),
    "momentum": _of("roc({period})", period=10),
    "change": _of("roc(1)"),
    "apo": _of("(ema({fast}) - ema({slow}))", fast=12, slow=26),
    "ao": _of("ao({fast}, {slow})", fast=5, slow=34),
    "cho": _of("adosc({fast}, {slow})", fast=3, slow=10),
    "ultosc": _of("ultosc({period1}, {period2}, {period3})", period1=7, period2=14, period3=28),
    "trix": _of("trix({period})", period=15),
    "chop": _of("chop({period})", period=14),
    "coppock": _of("coppock({wma}, {short_roc}, {long_roc})", short_roc=11, long_roc=14, wma=10),
    "std": _of("stddev({period})", period=20),
    "variance": _of("variance({period})", period=20),
    "midpoint": _of("midpoint({period})", period=14),
    "midprice": _of("midprice({period})", period=14),
    "obv": _of("obv()"),
    "ad": _of("ad()"),
    "adl": _of("ad()"),
    "mfi": _of("mfi({period})", period=14),
    "cmf": _of("cmf({period})", period=20),
    "force": _of("force({period})", period=13),
    "ibs": _of("((close - low) / (high - low))"),
    "disparity": _of("(close / sma({period}) * 100)", period=20),
    "macd": Wanted(
        {"fast": 12, "slow": 26, "signal": 9},
        {"value": f"{_MACD}.macd", "signal": f"{_MACD}.signal", "histogram": f"{_MACD}.histogram"},
    ),
    "ppo": _of("ppo({fast}, {slow}, 9).ppo", fast=12, slow=26),
    "tsi": Wanted(
        {"long_period": 25, "short_period": 13, "signal_period": 7},
        {"value": f"{_TSI}.tsi", "signal": f"{_TSI}.signal"},
    ),
    "stochastic": Wanted({"k_period": 14, "d_period": 3}, {"k": f"{_STOCH}.k", "d": f"{_STOCH}.d"}),
    "stochrsi": Wanted(
        {"rsi_period": 14, "stoch_period": 14, "k_period": 3, "d_period": 3},
        {"k": f"{_STOCHRSI}.k", "d": f"{_STOCHRSI}.d"},
    ),
    "aroon": Wanted(
        {"up_period": 25, "down_period": 25},
        {
            "value": "aroon({up_period}).oscillator",
            "aroon_up": "aroon({up_period}).up",
            "aroon_down": "aroon({up_period}).down",
        },
        equal=("up_period", "down_period"),
    ),
    "adx": Wanted(
        {"period": 14},
        {"value": "adx({period}).adx", "plus_di": "adx({period}).plus", "minus_di": "adx({period}).minus"},
    ),
    "vortex": Wanted({"period": 14}, {"plus_vi": "vortex({period}).plus", "minus_vi": "vortex({period}).minus"}),
    "sar": Wanted(
        {"af_start": 0.02, "af_step": 0.02, "af_max": 0.2},
        {"value": "psar({af_step}, {af_max})"},
        equal=("af_start", "af_step"),
    ),
    "bollinger": _band("bbands({period}, {std})", period=20, std=2),
}

_EXTREME: Final = (
    "there it is of closes and counts the bar itself, which nothing can cross;"
    " write a rule with donchian(20).upper or .lower, the extremes of the bars before"
)
REFUSED: Final[Mapping[str, str]] = {
    "atr": "there it is a plain average, here Wilder's; write a rule with atr(14) if that is meant",
    "natr": "there it is a plain average, here Wilder's; write a rule with natr(14) if that is meant",
    "cmo": "there it is smoothed, here it is of plain sums; write a rule with cmo(14) if that is meant",
    "ichimoku": "its spans are shifted differently here; write a rule with ichimoku(9, 26, 52) if that is meant",
    "keltner": "its range is averaged differently here; write a rule with keltner(20, 2, 10) if that is meant",
    "bop": "here it is averaged; write a rule with bop(1), which is not",
    "max": _EXTREME,
    "maximum": _EXTREME,
    "min": _EXTREME,
    "minimum": _EXTREME,
}
