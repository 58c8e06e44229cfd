"""When a source may be asked again: after failures later and later, and after a block not before its day is over."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

FAILURES_BEFORE_OPEN: Final = 3
PAUSE_FIRST: Final = timedelta(minutes=1)
PAUSE_LONGEST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Breaker:
    """One source's record. Open until `open_until`; then one call may try, and its outcome decides."""

    source: str
    failures: int = 0
    open_until: datetime | None = None
    reason: str = ""
    is_block: bool = False

    def allows(self, moment: datetime) -> bool:
        """Whether the source may be asked now."""
        return self.open_until is None or moment >= self.open_until

    def succeeded(self) -> "Breaker":
        """An answer came: everything is forgotten."""
        return Breaker(self.source)

    def failed(self, moment: datetime, reason: str) -> "Breaker":
        """No answer came: the third in a row opens the breaker, each further one for twice as long, up to an hour."""
        failures = self.failures + 1
        if failures < FAILURES_BEFORE_OPEN:
            return replace(self, failures=failures, reason=reason, open_until=None, is_block=False)
        doublings = min(failures - FAILURES_BEFORE_OPEN, 10)
        pause = min(PAUSE_FIRST * 2**doublings, PAUSE_LONGEST)
        return replace(self, failures=failures, reason=reason, open_until=moment + pause, is_block=False)

    def paused(self, until: datetime, reason: str) -> "Breaker":
        """The source wants to be left alone for a while."""
        return replace(self, open_until=self._later(until), reason=reason)

    def blocked(self, until: datetime, reason: str) -> "Breaker":
        """The source has shut us out: not even one try before that, however often somebody asks."""
        return replace(self, open_until=self._later(until), reason=reason, is_block=True)

    def _later(self, until: datetime) -> datetime:
        return until if self.open_until is None else max(until, self.open_until)
