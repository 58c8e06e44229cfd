"""What an announced action makes of the prices before it: the theory of the ex-rights price.

A paid-in issue of r new shares for one old at a price S makes of a last price P the base (P + r S) / (1 + r); a bonus
issue is one at no price; a reduction that leaves r shares of one makes P / r of it.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

PLACES: Final = Decimal("0.00000001")
FACTOR_MAX: Final = Decimal(10_000)
DAY_MAX: Final = Decimal("0.31")
"""How far a day's own trading may lead from the base: KRX allows 30 %."""
SHARE_OFF_MAX: Final = Decimal(3)
"""How many times the issued share of all shares the rate may be: treasury shares get nothing."""


def rights_factor(last: Decimal, rate: Decimal, price: Decimal) -> Decimal:
    """What earlier prices are multiplied with; a price above the last one gives nothing away, and is 1."""
    return min(Decimal(1), (last + rate * price) / (last * (1 + rate))).quantize(PLACES)


def reduction_factor(rate: Decimal) -> Decimal:
    """What earlier prices are multiplied with when `rate` shares are left of one."""
    return (1 / rate).quantize(PLACES)


def plausible(readings: Sequence[Decimal], share: Decimal | None) -> list[Decimal]:
    """The readings of a rate that agree with how many shares are issued; none without that."""
    if share is None:
        return []
    return [rate for rate in readings if share / SHARE_OFF_MAX <= rate <= share * SHARE_OFF_MAX]


def fits(factor: Decimal, last: Decimal, close: Decimal) -> bool:
    """Whether a close on the first day at the new price can be the theory's, with a day's trading."""
    return 0 < factor < FACTOR_MAX and abs(close / (last * factor) - 1) <= DAY_MAX
