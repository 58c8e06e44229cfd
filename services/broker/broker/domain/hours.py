"""Whether a broker's orders reach what a venue does now; by the session that the quote names, as everywhere."""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from quant.markets.sessions import Phase, Venue
from quant.markets.venues import phase_of

from broker.domain.capabilities import Capabilities, Part
from broker.domain.order import OrderIntent, Refused

_PARTS: Final[Mapping[Phase, Part]] = {
    "pre_market": "pre_market",
    "opening_auction": "regular",
    "continuous": "regular",
    "closing_auction": "regular",
    "close_price": "after_market",
    "single_price": "after_market",
    "after_auction": "after_market",
    "after_market": "after_market",
}
_SEQUENCE: Final[tuple[Part, ...]] = ("pre_market", "regular", "after_market")
_WORDS: Final[Mapping[Part, str]] = {
    "pre_market": "the pre-market",
    "regular": "the regular session",
    "after_market": "the after-market",
}
_OF_SOR: Final[tuple[Venue, ...]] = ("KRX", "NXT")


class MarketNow(NamedTuple):
    """The session that a symbol's newest quote names, and the trading day it is of."""

    session: str
    day: date


def refuse_out_of_hours(able: Capabilities, order: OrderIntent, now: MarketNow | None) -> Refused | None:
    """The refusal of an order that its broker does not bring to what the venue does now; None when it does.

    What nobody can say is left to the broker: without a quote, in a session nobody has heard of, or while a venue
    stands still.
    """
    if now is None or order.market not in able.markets:
        return None
    parts = _parts_of(order.venue if order.market == "KRX" else "US", now)
    reached = able.sessions_at(order.venue)
    if parts is None or parts & reached:
        return None
    is_now = " and ".join(_WORDS[part] for part in _SEQUENCE if part in parts)
    taken = " and ".join(_WORDS[part] for part in _SEQUENCE if part in reached)
    elsewhere = [venue for venue in ("NXT",) if venue in able.venues and _reaches(able, venue, now)]
    advice = f"name {elsewhere[0]} as its venue, or place it again then" if elsewhere else "place it again then"
    state = f"It is {is_now} of {order.venue} now" if parts else f"{order.venue} is closed now"
    return Refused("market_closed", f"{state}, and {able.title} takes orders for it in {taken}: {advice}.")


def _reaches(able: Capabilities, venue: Venue, now: MarketNow) -> bool:
    return bool((_parts_of(venue, now) or frozenset()) & able.sessions_at(venue))


def _parts_of(venue: Venue, now: MarketNow) -> frozenset[Part] | None:
    """The parts of the day that a venue is in, empty while it is closed; None when that cannot be said."""
    phases = {phase_of(place, now.session, now.day) for place in (_OF_SOR if venue == "SOR" else (venue,))}
    open_parts = frozenset(_PARTS[phase] for phase in phases if phase is not None and phase in _PARTS)
    if not open_parts and phases != {"closed"}:
        return None
    return open_parts
