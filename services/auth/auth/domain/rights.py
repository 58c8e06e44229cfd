"""What one person may do: the role, what the operator allows besides, and the figures that bound it."""

from dataclasses import dataclass

DAILY_TRADES_MAX = 1_000_000
CALLS_PER_MINUTE_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the operator lets a person do besides the role."""

    paper: bool = True
    real: bool = False
    premium: bool = False
    daily_trades_max: int = 1_000
    calls_per_minute_max: int = 6_000

    @property
    def granted(self) -> frozenset[str]:
        """The names of what is allowed, as a token says them."""
        named = {"paper": self.paper, "real": self.real, "premium": self.premium}
        return frozenset(name for name, allowed in named.items() if allowed)

    @property
    def limits(self) -> dict[str, int]:
        """The figures, as a token says them."""
        return {"daily_trades": self.daily_trades_max, "calls_per_minute": self.calls_per_minute_max}


OF_EVERYBODY = Permissions()
