"""What each venue does while a quote says in which session its market is, and which orders it then takes.

A quote names one session for its whole market; KRX and NXT do different things in it. The table goes by the quote and
not by a clock, so that a replayed day is open when its quotes say so. Where one word covers two windows of NXT (orders
for the opening of KRX are collected from 08:30, while NXT trades until 08:50), the stricter one is taken.
"""

from datetime import date
from typing import Final, NamedTuple

from quant.markets.listing import Board, Kind
from quant.markets.sessions import (
    KRX_AFTER_MARKET_BEGAN,
    NXT_BEGAN,
    OrderKind,
    Phase,
    TimeInForce,
    Venue,
    order_kind_is_taken,
)

_WORDS: Final[dict[Venue, dict[str, Phase]]] = {
    "KRX": {
        "pre_market": "closed",
        "opening_auction": "opening_auction",
        "regular": "continuous",
        "volatility_auction": "closing_auction",  # a single price as well: the same orders are taken
        "closing_auction": "closing_auction",
        "after_auction": "close_price",
        "close_price": "close_price",
        "after_market": "after_market",
        "halted": "halted",
        "closed": "closed",
    },
    "NXT": {
        "pre_market": "pre_market",
        "opening_auction": "halted",
        "regular": "continuous",
        "volatility_auction": "halted",  # NXT has no auctions of this kind: it stands still
        "closing_auction": "halted",
        "after_auction": "after_auction",
        "close_price": "after_market",
        "after_market": "after_market",
        "halted": "halted",
        "closed": "closed",
    },
    "US": {
        "opening_auction": "opening_auction",
        "regular": "continuous",
        "volatility_auction": "closing_auction",
        "closing_auction": "closing_auction",
        "halted": "halted",
        "closed": "closed",
    },
}
REGULAR_IS_OVER: Final = frozenset({"closed", "after_auction", "close_price", "after_market"})
"""Sessions of a quote in which the regular session of its trading date is over."""
_SHUT: Final[frozenset[Phase]] = frozenset({"closed", "halted"})
_OF_SOR: Final[tuple[Venue, ...]] = ("KRX", "NXT")
_NXT_BOARDS: Final[frozenset[Board]] = frozenset({"KOSPI", "KOSDAQ"})


class Window(NamedTuple):
    """A venue, and what it does."""

    venue: Venue
    phase: Phase


class Instrument(NamedTuple):
    """What decides where an instrument trades, and on which day."""

    board: Board
    kind: Kind
    day: date


def phase_of(venue: Venue, session: str, day: date) -> Phase | None:
    """What a venue does in a session; None for a session nobody has heard of. Not for SOR, which is no place.

    Before a venue or a window of it began, it is closed.
    """
    phase = _WORDS[venue].get(session)
    began = NXT_BEGAN if venue == "NXT" else KRX_AFTER_MARKET_BEGAN if phase == "after_market" else None
    return "closed" if phase is not None and began is not None and day < began else phase


def open_windows(venue: Venue, session: str, day: date) -> tuple[Window, ...]:
    """Where an order for a venue could go now: one window, or those of KRX and NXT for SOR; none while all are shut."""
    places = _OF_SOR if venue == "SOR" else (venue,)
    found = ((place, phase_of(place, session, day)) for place in places)
    return tuple(Window(place, phase) for place, phase in found if phase is not None and phase not in _SHUT)


def is_traded(window: Window, of: Instrument) -> bool:
    """Whether an instrument trades there: NXT and the after-market of KRX have no funds, NXT has two boards only."""
    if window.venue == "NXT":
        return of.kind == "stock" and of.board in _NXT_BOARDS
    return window.phase != "after_market" or of.kind == "stock" or window.venue == "US"


def takes(window: Window, of: Instrument, order_type: OrderKind, time_in_force: TimeInForce) -> bool:
    """Whether a window takes an order of this kind and life for an instrument."""
    return is_traded(window, of) and order_kind_is_taken(window.venue, window.phase, order_type, time_in_force)
