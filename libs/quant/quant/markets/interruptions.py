"""When Korea interrupts trading: volatility interruptions of one issue, circuit breakers of a whole board.

Source: global.krx.co.kr, GLB0602010204T9 and T2. The rates of the after-market (since 2026-09-14) are not published
where we could read them: it is reckoned with those of continuous trading.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from quant.markets.sessions import Phase

Liquidity = Literal["kospi200", "other"]
"""KOSPI200 stocks (and funds on KOSPI indices, inverse and bond funds), or everything else."""

VI_LASTS: Final = timedelta(minutes=2)
VI_RANDOM_END_MAX: Final = timedelta(seconds=30)
VI_STATIC_RATE: Final = Decimal("0.10")
VI_NOT_ON_FIRST_DAY_SINCE: Final = date(2021, 10, 18)

_DYNAMIC: Final[dict[Liquidity, dict[Phase, Decimal]]] = {
    "kospi200": {
        "continuous": Decimal("0.03"),
        "closing_auction": Decimal("0.02"),
        "single_price": Decimal("0.03"),
        "after_market": Decimal("0.03"),
    },
    "other": {
        "continuous": Decimal("0.06"),
        "closing_auction": Decimal("0.04"),
        "single_price": Decimal("0.06"),
        "after_market": Decimal("0.06"),
    },
}


def dynamic_rate(liquidity: Liquidity, phase: Phase) -> Decimal | None:
    """How far from the last trade an order may trade before it interrupts; None where there is no such rule."""
    return _DYNAMIC[liquidity].get(phase)


def interrupts(price: Decimal, last: Decimal, static: Decimal, liquidity: Liquidity, phase: Phase) -> bool:
    """Whether a trade at `price` would interrupt trading.

    `last` is the last trade before it, `static` the last price of an auction (before the open, the base price). The
    trigger itself interrupts. The static rule is one of the regular session.
    """
    rate = dynamic_rate(liquidity, phase)
    if rate is not None and abs(price - last) >= last * rate:
        return True
    regular = phase in {"opening_auction", "continuous", "closing_auction"}
    return regular and abs(price - static) >= static * VI_STATIC_RATE


@dataclass(frozen=True, slots=True)
class Breaker:
    """A stage of the market-wide circuit breaker: the fall of the index that trips it, and how long trading halts."""

    stage: int
    fall: Decimal
    halt: timedelta | None
    """None: the market closes for the day."""


BREAKERS: Final = (
    Breaker(1, Decimal("0.08"), timedelta(minutes=20)),
    Breaker(2, Decimal("0.15"), timedelta(minutes=20)),
    Breaker(3, Decimal("0.20"), None),
)
BREAKER_AUCTION: Final = timedelta(minutes=10)
BREAKER_FURTHER_FALL: Final = Decimal("0.01")
"""A later stage needs the index to be this much below where the stage before it tripped."""
