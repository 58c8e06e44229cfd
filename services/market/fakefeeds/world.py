"""What the fake sources know: a few symbols with raw bars and a split, and which faults are switched on where."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal

Fault = Literal[
    "429",
    "500",
    "403",
    "truncated",
    "duplicated_day",
    "contradicted_day",
    "gap",
    "hundredfold",
    "unadjusted_split",
    "login_page",
    "delay",
]
DELAY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Day:
    """One traded or halted day (open, high and low are 0) of a symbol, in whole won or in cents of a dollar."""

    day: date
    open: int
    high: int
    low: int
    close: int
    volume: int

    def scaled(self, numerator: int, denominator: int) -> "Day":
        """Prices times a fraction, cut to whole numbers as Naver cuts them."""

        def cut(price: int) -> int:
            return price * numerator // denominator

        return Day(self.day, cut(self.open), cut(self.high), cut(self.low), cut(self.close), self.volume)


@dataclass(frozen=True, slots=True)
class Issue:
    """A symbol, its raw days oldest first, and the day its shares were split, if they were."""

    symbol: str
    isin: str
    name: str
    board: Literal["KOSPI", "KOSDAQ", "KONEX", "US", "INDEX"]
    days: tuple[Day, ...]
    split_on: date | None = None
    split_ratio: int = 1

    def adjusted(self) -> "Issue":
        """Earlier prices as if the split had happened before; volumes stay, as Naver leaves them."""
        if self.split_on is None:
            return self
        return replace(
            self,
            days=tuple(day.scaled(1, self.split_ratio) if day.day < self.split_on else day for day in self.days),
        )


@dataclass
class World:
    """The issues, and what is wrong today."""

    issues: dict[str, Issue] = field(default_factory=dict)
    faults: defaultdict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    announced: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """The depository's rows, by the last part of KIS's path."""
    calls: Counter[str] = field(default_factory=Counter)
    daily_calls_max: dict[str, int] = field(default_factory=dict)
    user: str = "person"
    password: str = "good enough"  # noqa: S105 - of a program that runs on loopback
    key: str = "a-key"

    def add(self, issues: Iterable[Issue]) -> None:
        """Let the sources know more."""
        self.issues |= {issue.symbol: issue for issue in issues}

    def fail(self, route: str, *faults: Fault) -> None:
        """The next calls of a route go wrong, one fault each, in this sequence."""
        self.faults[route] += faults

    def fault_of(self, route: str) -> Fault | None:
        """Count a call of a route and take its next fault."""
        self.calls[route] += 1
        return self.faults[route].pop(0) if self.faults[route] else None

    def days_of(self, issue: Issue, first: date, last: date, fault: Fault | None) -> list[Day]:
        """An issue's days in a range, spoilt as the fault says."""
        days = [day for day in issue.days if first <= day.day <= last]
        middle = len(days) // 2
        match fault:
            case "duplicated_day":
                days.insert(middle, days[middle])
            case "contradicted_day":
                days.insert(middle, replace(days[middle], volume=days[middle].volume + 1))
            case "gap":
                del days[middle : middle + 2]
            case "hundredfold":
                days[middle] = days[middle].scaled(100, 1)
        return days
