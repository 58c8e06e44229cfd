"""Adjustment: what splits and rights issues make of the prices before them, so that a chart shows no false jump."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

ActionKind = Literal["split", "merge", "rights", "bonus", "reduction", "dividend"]

FIRST_DAY: Final = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """From `ex_day` on a share is another: earlier prices times `price_factor` compare with later ones.

    A split of one into fifty has the factors 0.02 and 50.
    """

    symbol: str
    ex_day: date
    kind: ActionKind
    price_factor: Decimal
    volume_factor: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The factors of a span of days, both ends included: the product of every later action."""

    first_day: date
    last_day: date
    price_factor: Decimal
    volume_factor: Decimal


def adjustments_of(actions: Sequence[CorporateAction]) -> list[Adjustment]:
    """The spans before the last action, oldest first; from the last one on prices are as they are."""
    spans: list[Adjustment] = []
    price, volume = Decimal(1), Decimal(1)
    days = sorted({action.ex_day for action in actions}, reverse=True)
    for place, ex_day in enumerate(days):
        for action in actions:
            if action.ex_day == ex_day:
                price, volume = price * action.price_factor, volume * action.volume_factor
        first = days[place + 1] if place + 1 < len(days) else FIRST_DAY
        spans.append(Adjustment(first, ex_day - timedelta(days=1), price, volume))
    return spans[::-1]
