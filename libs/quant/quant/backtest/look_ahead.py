"""The look-ahead detector: change the future, and see whether the past moves."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from quant.bars import Bars

CUTS_DEFAULT: Final = 8

Observed = Mapping[str, NDArray[np.generic]]
"""Columns by name, one value per bar: indicators, signals, equity."""


class Leak(NamedTuple):
    """A column whose value on a day depended on bars after `known_until`."""

    column: str
    on: date
    known_until: date


def find_look_ahead(
    bars: Bars, observe: Callable[[Bars], Observed], cuts: int = CUTS_DEFAULT, seed: int = 0
) -> tuple[Leak, ...]:
    """Everything that looked ahead: `observe` is asked again with other futures, from `cuts` days on spread evenly.

    A future is the real one with every price moved by up to a half and every volume by up to a tenfold, bar by bar;
    halted days stay halted. Two columns agree when they are equal to the bit, unknown values (NaN) among themselves.
    ValueError when a column has another length than the bars.
    """
    honest = observe(bars)
    wrong = [name for name, column in honest.items() if len(column) != len(bars)]
    if wrong:
        raise ValueError(f"one value per bar is expected of {', '.join(wrong)}")
    random = np.random.default_rng(seed)
    found: dict[str, Leak] = {}
    for cut in np.unique(np.linspace(1, len(bars) - 1, cuts).astype(int)).tolist():
        for name, column in observe(_with_other_future(bars, cut, random)).items():
            before = honest[name][:cut]
            moved = ~_same(before, column[:cut])
            if moved.any() and name not in found:
                found[name] = Leak(name, _day(bars, int(np.argmax(moved))), _day(bars, cut - 1))
    return tuple(found.values())


def _same(one: NDArray[np.generic], other: NDArray[np.generic]) -> NDArray[np.bool_]:
    equal = one == other
    if one.dtype.kind == "f":
        equal |= np.isnan(one) & np.isnan(other)
    return cast("NDArray[np.bool_]", equal)


def _with_other_future(bars: Bars, cut: int, random: np.random.Generator) -> Bars:
    prices = np.ones(len(bars))
    prices[cut:] = random.uniform(0.5, 1.5, len(bars) - cut)
    volumes = np.ones(len(bars))
    volumes[cut:] = 10 ** random.uniform(-1, 1, len(bars) - cut)
    columns = {name: getattr(bars, name) * prices for name in ("open", "high", "low", "close")}
    return Bars.of(bars.dates, {**columns, "volume": bars.volume * volumes})


def _day(bars: Bars, place: int) -> date:
    return cast("date", bars.dates[place].item())
