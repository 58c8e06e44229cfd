"""What one person may do: the role, what the operator allows besides, and the figures that bound it."""

from dataclasses import dataclass
from typing import Literal

DAILY_TRADES_MAX = 1_000_000
CallsPerMinute = Literal[60, 600, 6_000, 60_000]
"""In steps, because the gateway counts calls: it has a counter for each (gateway/snippets/limits.conf)."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the operator lets a person do besides the role."""

    paper: bool = True
    real: bool = False
    premium: bool = False
    daily_trades_max: int | None = None
    """Over all accounts; None: as many as the risk limits let through."""
    calls_per_minute_max: CallsPerMinute = 60_000
    """Over all services; the largest is what the gateway lets anybody do."""

    @property
    def granted(self) -> frozenset[str]:
        """The names of what is allowed, as a token says them."""
        named = {"paper": self.paper, "real": self.real, "premium": self.premium}
        return frozenset(name for name, allowed in named.items() if allowed)

    @property
    def limits(self) -> dict[str, int]:
        """The figures, as a token says them; what is not limited is not said."""
        trades = {} if self.daily_trades_max is None else {"daily_trades": self.daily_trades_max}
        return {"calls_per_minute": self.calls_per_minute_max} | trades


OF_EVERYBODY = Permissions()
