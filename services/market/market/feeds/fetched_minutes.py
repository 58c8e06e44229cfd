"""Whether a source's minutes can be believed, and which of them are kept: those that traded, in the session, and ended.

What the roller would not make of live prices is not taken from a source either: a minute in which nothing traded, one
outside of the session and its closing auction, one that is not over. An answer with a hundredfold price, or with one
minute told twice in different words, is not believed as a whole.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from statistics import median
from typing import Final

from quant.markets.listing import Market

from market.domain.live import may_have_traded
from market.domain.minute import GRACE, MINUTE, Minute, start_of
from market.providers.port import RawMinute

FAR: Final = 20
"""No minute of a day trades at so many times the middle one's price, nor at so small a part of it."""
BAD_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class BelievedMinutes:
    """The good minutes, oldest first; how many were left out and why; what could not be used; why all is doubted."""

    minutes: tuple[Minute, ...]
    left_out: Counter[str]
    bad: tuple[str, ...]
    doubts: tuple[str, ...]


def believe_minutes(raw: Sequence[RawMinute], source: str, market: Market, moment: datetime) -> BelievedMinutes:
    """Judge an answer.

    Args:
        raw: as the source wrote them; a minute told twice in the same words counts once.
        source: who says so.
        market: whose session they have to be in.
        moment: now; a minute that ends later may still change.
    """
    left_out: Counter[str] = Counter()
    bad: list[str] = []
    good: dict[str, Minute] = {}
    doubts: list[str] = []
    for one in dict.fromkeys(raw):
        try:
            minute = _minute(one, source, market)
        except (ValueError, InvalidOperation) as wrong:
            bad.append(f"{one.begins.isoformat()}: {wrong}")
            continue
        if (reason := _why_not(one, minute, market, moment)) is not None:
            left_out[reason] += 1
        elif minute.start in good:
            doubts.append(f"{minute.start} is told twice in different words")
        else:
            good[minute.start] = minute
    doubts += _far_off(good)
    if bad and not good:
        doubts.append(f"no minute can be used: {bad[0]}")
    kept = tuple(good[start] for start in sorted(good))
    return BelievedMinutes(kept, left_out, tuple(bad[:BAD_MAX]), tuple(doubts))


def _minute(raw: RawMinute, source: str, market: Market) -> Minute:
    first, high, low, last = (Decimal(text) for text in (raw.open, raw.high, raw.low, raw.close))
    volume = Decimal(raw.volume)
    if raw.begins.second or raw.begins.microsecond:
        raise ValueError("it does not begin with a minute")
    if not (0 < low <= min(first, last) and max(first, last) <= high):
        raise ValueError(f"open {first}, high {high}, low {low}, close {last} are no minute's prices")
    if volume < 0 or volume % 1:
        raise ValueError(f"{volume} is no number of shares")
    shares = int(volume)
    return Minute(
        type="bar:1m",
        symbol=raw.symbol,
        market=market,
        start=start_of(raw.begins),
        open=first,
        high=high,
        low=low,
        close=last,
        volume=shares,
        total=shares,
        closed=True,
        source=source,
    )


def _why_not(raw: RawMinute, minute: Minute, market: Market, moment: datetime) -> str | None:
    if not may_have_traded(market, raw.begins):
        return "outside_session"
    if raw.begins + MINUTE + GRACE > moment:
        return "unfinished"
    return None if minute.volume else "nothing_traded"


def _far_off(good: dict[str, Minute]) -> Iterator[str]:
    if not good:
        return
    middle = median(minute.close for minute in good.values())
    for minute in good.values():
        if minute.high > middle * FAR or minute.low * FAR < middle:
            yield f"{minute.start} trades at {minute.close}, while the middle of the day is {middle}"
            return
