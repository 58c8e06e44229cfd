"""The look-ahead detector: change the future, and see whether the past moves."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from quant.bars import Bars
from quant.panel import Panel

CUTS_DEFAULT: Final = 8
PRICES: Final = ("open", "high", "low", "close")

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
    random = np.random.default_rng(seed)
    return _leaks(bars.dates, lambda cut: observe(_with_other_future(bars, cut, random)), cuts)


def find_look_ahead_in_panel(
    panel: Panel, observe: Callable[[Panel], Observed], cuts: int = CUTS_DEFAULT, seed: int = 0
) -> tuple[Leak, ...]:
    """The same of many symbols at once: columns have one value for each day, and every column of the panel moves.

    Prices of one bar move together, every other column by itself.
    """
    days, random = np.unique(panel.dates), np.random.default_rng(seed)

    def with_other_future(cut: int) -> Panel:
        later = panel.dates >= days[cut] if cut < len(days) else np.zeros(len(panel.dates), dtype=np.bool_)
        prices = np.where(later, random.uniform(0.5, 1.5, len(later)), 1.0)
        frame = {
            name: values * (prices if name in PRICES else np.where(later, 10 ** random.uniform(-1, 1, len(later)), 1.0))
            for name, values in panel.frame.items()
        }
        return Panel(panel.symbols, panel.starts, panel.dates, frame)

    return _leaks(days, lambda cut: observe(with_other_future(cut)), cuts)


def _leaks(days: NDArray[np.datetime64], observe: Callable[[int], Observed], cuts: int) -> tuple[Leak, ...]:
    """What moved before a cut when it is observed with another future from there on; with a cut at the end, none."""
    honest = observe(len(days))
    wrong = [name for name, column in honest.items() if len(column) != len(days)]
    if wrong:
        raise ValueError(f"one value per bar is expected of {', '.join(wrong)}")
    found: dict[str, Leak] = {}
    for cut in np.unique(np.linspace(1, len(days) - 1, cuts).astype(int)).tolist():
        for name, column in observe(cut).items():
            before = honest[name][:cut]
            moved = ~_same(before, column[:cut])
            if moved.any() and name not in found:
                found[name] = Leak(name, _day(days, int(np.argmax(moved))), _day(days, cut - 1))
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
    columns = {name: getattr(bars, name) * prices for name in PRICES}
    return Bars.of(bars.dates, {**columns, "volume": bars.volume * volumes})


def _day(days: NDArray[np.datetime64], place: int) -> date:
    return cast("date", days[place].item())
