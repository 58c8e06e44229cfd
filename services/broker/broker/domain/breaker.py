"""A breaker for each key: after failures in a row nothing is sent for a while; a block is not taken for a glitch.

A glitch is a line that breaks or an answer that says nothing: it passes, so we come back soon. A block is a gate that
turns us away again and again, by our key or by our number of calls: each further call makes it worse, so we stay away
long.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

Trouble = Literal["glitch", "block"]
IN_A_ROW: Final[dict[Trouble, int]] = {"glitch": 5, "block": 5}
FIRST_MILLISECONDS: Final[dict[Trouble, int]] = {"glitch": 2_000, "block": 60_000}
LONGEST_MILLISECONDS: Final[dict[Trouble, int]] = {"glitch": 30_000, "block": 600_000}


@dataclass(frozen=True, slots=True)
class Breaker:
    """What happened lately. `moment` is in milliseconds of a clock that only moves forward."""

    trouble: Trouble | None = None
    failures: int = 0
    openings: int = 0
    closed_until: int = 0

    def refuses(self, moment: int) -> bool:
        """Whether nothing may be sent now. After the pause one call shows whether it is over."""
        return moment < self.closed_until

    def succeeded(self) -> "Breaker":
        """The broker answered."""
        return Breaker()

    def failed(self, trouble: Trouble, moment: int) -> "Breaker":
        """The broker did not; enough of that in a row, and we pause, each time for longer."""
        same = trouble == self.trouble
        failures = self.failures + 1 if same else 1
        openings = self.openings if same else 0
        if failures < IN_A_ROW[trouble] and not openings:
            return Breaker(trouble, failures, openings)
        pause = min(FIRST_MILLISECONDS[trouble] * 2**openings, LONGEST_MILLISECONDS[trouble])
        return replace(self, trouble=trouble, failures=failures, openings=openings + 1, closed_until=moment + pause)
