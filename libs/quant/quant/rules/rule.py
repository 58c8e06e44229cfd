"""A compiled rule: what it reads, how far back, what it costs, and where it holds."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from quant.bars import Frame, Mask
from quant.rules.nodes import BooleanNode, Columns, Memo, calls_of, fields_of, look_back_of


class RuleError(ValueError):
    """A rule that cannot be used: why, in English and Korean for its author, and at which column (from 1)."""

    def __init__(self, message: str, message_ko: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.message = message
        self.message_ko = message_ko
        self.column = column


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule: its text and its tree, which is what rules are compared by."""

    text: str = field(compare=False)
    root: BooleanNode

    @property
    def fields(self) -> frozenset[str]:
        """The columns a frame must have."""
        return frozenset(fields_of(self.root))

    @property
    def look_back(self) -> int:
        """How many bars come before the first one on which every number of the rule can be known."""
        return look_back_of(self.root)

    @property
    def steps(self) -> int:
        """The most numbers that may have to be read for each bar; `compile_rule` bounds it."""
        return sum(call.indicator.steps(call.parameters) for call in calls_of(self.root))

    def mask(self, frame: Frame, memo: Memo | None = None) -> Mask:
        """Where the rule holds: one boolean per bar of the frame, whose columns have one length.

        A comparison with an unknown number (NaN) is False. Rules evaluated over the same frame may share a memo, which
        computes each indicator once. ValueError when the frame lacks a field.
        """
        return self.root.mask(Columns(frame, {} if memo is None else memo))

    def mask_of_many(self, frame: Frame, starts: NDArray[np.intp]) -> Mask:
        """The same over the bars of many symbols laid end to end; `starts` are the rows where each begins."""
        return self.root.mask(Columns(frame, starts=starts))
