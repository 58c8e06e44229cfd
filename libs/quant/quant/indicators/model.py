"""What an indicator is: its name, inputs, bounded parameters, outputs, look-back, and how it is computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quant.bars import Series

PERIOD_MAX: Final = 1_000
MULTIPLE_MAX: Final = 10.0

Compute = Callable[..., tuple[Series, ...]]
LookBack = Callable[..., int | tuple[int, ...]]

CLOSE: Final = ("close",)
BAR: Final = ("high", "low", "close")
VALUE: Final = ("value",)


class ParameterError(ValueError):
    """A parameter that cannot be used; the reason in English is the message, and in Korean beside it."""

    def __init__(self, message: str, message_ko: str) -> None:
        super().__init__(message)
        self.message = message
        self.message_ko = message_ko


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number an indicator takes, with its default and its bounds (both allowed)."""

    name: str
    default: float
    least: float
    most: float
    is_whole: bool = True

    def checked(self, value: float) -> float:
        """The value, whole where it must be; ParameterError says what is allowed."""
        if self.is_whole and value != int(value):
            raise ParameterError(
                f"{self.name} must be a whole number, not {value:g}", f"{self.name} 값은 정수여야 합니다: {value:g}"
            )
        if not self.least <= value <= self.most:
            raise ParameterError(
                f"{self.name} must be between {self.least:g} and {self.most:g}, not {value:g}",
                f"{self.name} 값은 {self.least:g} 이상 {self.most:g} 이하여야 합니다: {value:g}",
            )
        return int(value) if self.is_whole else float(value)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A function from columns of bars to named columns of the same length.

    The input of an indicator that reads one column may be any series: `sma(volume, 20)`, `ema(rsi(14), 9)`.
    `look_back` takes the bound parameters and gives, for each output or for all alike, how many bars come before its
    first value.
    """

    name: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    compute: Compute
    look_back: LookBack
    summary: str

    @property
    def takes_series(self) -> bool:
        return len(self.inputs) == 1

    def bind(self, values: Sequence[float]) -> tuple[float, ...]:
        """All parameters in order, defaults filled in and bounds checked; ParameterError explains."""
        if len(values) > len(self.parameters):
            names = ", ".join(parameter.name for parameter in self.parameters) or "none"
            raise ParameterError(
                f"{self.name} takes at most {len(self.parameters)} parameters ({names})",
                f"{self.name}에는 매개변수를 {len(self.parameters)}개까지 쓸 수 있습니다 ({names})",
            )
        given = [parameter.checked(value) for parameter, value in zip(self.parameters, values, strict=False)]
        return (*given, *(parameter.default for parameter in self.parameters[len(given) :]))

    def look_backs(self, bound: Sequence[float]) -> dict[str, int]:
        """Bars before the first value of each output, for parameters that `bind` returned."""
        bars = self.look_back(*bound)
        each = (bars,) * len(self.outputs) if isinstance(bars, int) else bars
        return dict(zip(self.outputs, each, strict=True))

    def steps(self, bound: Sequence[float]) -> int:
        """The most work one bar may take, in readings of a number: every window may have to be read whole."""
        windows = (int(value) for parameter, value in zip(self.parameters, bound, strict=True) if parameter.is_whole)
        return len(self.inputs) + sum(windows)


def period(default: int, least: int = 2) -> Parameter:
    """The usual parameter: how many bars are looked at."""
    return Parameter("period", default, least, PERIOD_MAX)


def span(name: str, default: int) -> Parameter:
    """A named number of bars, from one."""
    return Parameter(name, default, 1, PERIOD_MAX)


def multiple(name: str, default: float) -> Parameter:
    """A factor, such as the width of a band."""
    return Parameter(name, default, 0.1, MULTIPLE_MAX, is_whole=False)


def one(function: Callable[..., Series]) -> Compute:
    """A TA-Lib function of one output: column arrays first, then the parameters as they are."""
    # TA-Lib's own wrapper looks for pandas and polars in every argument: for one symbol's year that is half the time
    direct = getattr(function, "__wrapped__", function)

    def compute_one(*arguments: Series | float) -> tuple[Series, ...]:
        return (direct(*arguments),)

    return compute_one


def several(function: Callable[..., Sequence[Series]]) -> Compute:
    """A TA-Lib function of several outputs, in its own order."""

    def compute_several(*arguments: Series | float) -> tuple[Series, ...]:
        return tuple(function(*arguments))

    return compute_several


def divided(above: Series, below: Series) -> Series:
    """One column over another; unknown (NaN) where that is no finite number."""
    with np.errstate(all="ignore"):
        result = above / below
    return np.where(np.isfinite(result), result, np.nan)


def shifted(series: Series, bars: int) -> Series:
    """The column as it was some bars ago, unknown at first."""
    result = np.full_like(series, np.nan)
    if bars < len(series):
        result[bars:] = series[: len(series) - bars]
    return result
