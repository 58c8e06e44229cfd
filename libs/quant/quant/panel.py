"""Bars of many symbols laid end to end: what a rule is asked of when it is asked of a whole market."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from quant.bars import Mask, Series
from quant.rules import Rule


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Columns sorted by symbol and then by day; a symbol begins at each row of `starts`. Build with `Panel.of`."""

    symbols: tuple[str, ...]
    starts: NDArray[np.intp]
    dates: NDArray[np.datetime64]
    frame: Mapping[str, Series]

    @classmethod
    def of(cls, symbols: Sequence[str], dates: NDArray[np.datetime64], columns: Mapping[str, Series]) -> "Panel":
        """A panel of rows sorted by symbol and day, `symbols` naming the symbol of each row; ValueError otherwise."""
        days = np.asarray(dates, dtype="datetime64[D]")
        names = np.asarray(symbols)
        if any(values.shape != days.shape for values in columns.values()) or names.shape != days.shape:
            raise ValueError("every column must have one value per row")
        if not len(days):
            return cls((), np.zeros(0, dtype=np.intp), days, dict(columns))
        changed = np.flatnonzero(names[1:] != names[:-1]) + 1
        same = np.delete(days[1:] <= days[:-1], changed - 1)
        starts = np.concatenate([[0], changed]).astype(np.intp)
        order = names[starts]
        if np.any(same) or np.any(order[1:] <= order[:-1]):
            raise ValueError("rows must be sorted by symbol, and by day without repetition")
        return cls(tuple(str(name) for name in order), starts, days, dict(columns))

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def last_rows(self) -> NDArray[np.intp]:
        """The row of each symbol's newest bar."""
        return np.append(self.starts[1:], len(self.dates)).astype(np.intp) - 1

    def holding(self, rule: Rule, on: date) -> tuple[NDArray[np.intp], Mask]:
        """The rows of the bars of one day, being each symbol's newest, and whether the rule holds on each.

        Symbols whose newest bar is older did not trade that day, and are left out.
        """
        rows = self.last_rows
        rows = rows[self.dates[rows] == np.datetime64(on)]
        if not len(rows):
            return rows, np.zeros(0, dtype=np.bool_)
        return rows, rule.mask_of_many(self.frame, self.starts)[rows]
