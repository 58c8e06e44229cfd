"""What a venue does at a moment, and which orders it takes then: every window of KRX, NXT, SOR and the US, by date.

Sources: global.krx.co.kr (GLB0602020202T5, GLB0602020203T1, GLB0602010201T2) for windows and order kinds of KRX,
broker notices of 2025-03-04 for NXT and of 2026-09-14 for the KRX after-market. All windows are half open.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from quant.markets.calendar import (
    NEW_YORK,
    SEOUL,
    Hours,
    is_exam_day,
    is_session,
    session_hours,
)
from quant.markets.listing import Market

Venue = Literal["KRX", "NXT", "SOR", "US"]
Phase = Literal[
    "closed",
    "pre_market",
    "opening_auction",
    "continuous",
    "closing_auction",
    "close_price",
    "single_price",
    "after_auction",
    "after_market",
    "halted",
]
OrderKind = Literal[
    "limit",
    "market",
    "stop",
    "stop_limit",
    "trailing_stop",
    "limit_to_market_on_close",
    "best_opposite",
    "best_own",
    "midpoint",
    "close_price",
]
TimeInForce = Literal["day", "ioc", "fok", "gtc", "at_open", "at_close"]

NXT_BEGAN: Final = date(2025, 3, 4)
KRX_AFTER_MARKET_BEGAN: Final = date(2026, 9, 14)
"""Until the Friday before, an auction every ten minutes from 16:00 to 18:00, within 10 % of the close."""
KRX_ORDERS_FROM_HALF_PAST: Final = date(2025, 3, 4)
"""Orders for the opening auction are taken from half an hour before the open; from 40 minutes before it until then."""

_AUCTION: Final = timedelta(minutes=10)
_CLOSE_PRICE: Final = timedelta(minutes=30)
_NXT_PAUSE: Final = timedelta(seconds=30)
_REGULAR: Final[frozenset[Phase]] = frozenset({"opening_auction", "continuous", "closing_auction"})
_ZONES: Final[dict[Market, tzinfo]] = {"KRX": SEOUL, "US": NEW_YORK}


@dataclass(frozen=True, slots=True)
class Session:
    """A window of one day at one venue, in UTC: [opens_at, closes_at)."""

    market: Market
    venue: Venue
    phase: Phase
    day: date
    opens_at: datetime
    closes_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether orders can trade, now or at the end of an auction."""
        return self.phase not in {"closed", "halted"}

    @property
    def is_regular(self) -> bool:
        """Whether it belongs to the regular session, whose last price is the close."""
        return self.phase in _REGULAR and self.venue != "NXT"


def session_at(market: Market, venue: Venue, moment: datetime) -> Session:
    """The window a venue is in at an aware moment; between and outside its windows it is `closed`.

    SOR follows KRX while KRX matches orders and NXT where only NXT does. ValueError for a venue of another market.
    """
    if (venue == "US") != (market == "US"):
        raise ValueError(f"{venue} is no venue of {market}")
    if venue == "SOR":
        primary, other = session_at(market, "KRX", moment), session_at(market, "NXT", moment)
        chosen = other if primary.phase in {"closed", "close_price"} and other.is_open else primary
        return Session(market, "SOR", chosen.phase, chosen.day, chosen.opens_at, chosen.closes_at)
    day = moment.astimezone(_ZONES[market]).date()
    before = datetime.combine(day, time(), _ZONES[market]).astimezone(UTC)
    for session in sessions_of(market, venue, day):
        if moment < session.opens_at:
            return Session(market, venue, "closed", day, before, session.opens_at)
        if moment < session.closes_at:
            return session
        before = session.closes_at
    midnight = datetime.combine(day + timedelta(days=1), time(), _ZONES[market]).astimezone(UTC)
    return Session(market, venue, "closed", day, before, midnight)


def sessions_of(market: Market, venue: Venue, day: date) -> tuple[Session, ...]:
    """All windows of a venue on one day, in their sequence; none on a day without a session. Not for SOR."""
    if not is_session(market, day):
        return ()
    hours = session_hours(market, day)
    windows = {"KRX": _krx, "NXT": _nxt, "US": _us}[venue](day, hours)
    return tuple(Session(market, venue, phase, day, opens, closes) for phase, opens, closes in windows)


_Windows = Iterator[tuple[Phase, datetime, datetime]]


def _krx(day: date, hours: Hours) -> _Windows:
    ahead = timedelta(minutes=30 if day >= KRX_ORDERS_FROM_HALF_PAST else 40)
    yield "opening_auction", hours.open - ahead, hours.open
    yield "continuous", hours.open, hours.close - _AUCTION
    yield "closing_auction", hours.close - _AUCTION, hours.close
    after = hours.close + _CLOSE_PRICE
    yield "close_price", hours.close, after
    if day >= KRX_AFTER_MARKET_BEGAN:
        yield "after_market", after, _at(day, time(20), SEOUL)
    else:
        yield "single_price", after, _at(day, time(18), SEOUL)


def _nxt(day: date, hours: Hours) -> _Windows:
    if day < NXT_BEGAN:
        return
    opens = hours.open + _NXT_PAUSE
    if not is_exam_day(day):  # on the day of the entrance examination there is no pre-market
        yield "pre_market", _at(day, time(8), SEOUL), _at(day, time(8, 50), SEOUL)
        yield "halted", _at(day, time(8, 50), SEOUL), opens
    yield "continuous", opens, hours.close - _AUCTION
    yield "halted", hours.close - _AUCTION, hours.close
    yield "after_auction", hours.close, hours.close + _AUCTION
    yield "after_market", hours.close + _AUCTION, _at(day, time(20), SEOUL)


def _us(day: date, hours: Hours) -> _Windows:
    yield "pre_market", _at(day, time(4), NEW_YORK), hours.open
    yield "continuous", hours.open, hours.close
    yield "after_market", hours.close, hours.close + timedelta(hours=4)


def _at(day: date, clock: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


# What may be sent where and when: kinds of orders, and how long they may live.
_ANY_LIFE: Final[frozenset[TimeInForce]] = frozenset({"day", "ioc", "fok", "gtc", "at_close"})
_AT_ONCE: Final[frozenset[TimeInForce]] = frozenset({"ioc", "fok"})
_WAITING: Final[frozenset[OrderKind]] = frozenset({"stop", "stop_limit", "trailing_stop"})
"""Kept by us until they trigger: the exchange sees the market or limit order they turn into."""

_Rules = dict[Phase, tuple[frozenset[OrderKind], frozenset[TimeInForce]]]


def _rule(kinds: str, lives: str) -> tuple[frozenset[OrderKind], frozenset[TimeInForce]]:
    return frozenset(kinds.split()), frozenset(lives.split())  # type: ignore[arg-type]


_RULES: Final[dict[Venue, _Rules]] = {
    "KRX": {
        "opening_auction": _rule("limit market limit_to_market_on_close", "day gtc at_open at_close"),
        "continuous": _rule(
            "limit market limit_to_market_on_close best_opposite best_own midpoint", "day ioc fok gtc at_close"
        ),
        "closing_auction": _rule("limit market", "day gtc at_close"),
        "close_price": _rule("close_price", "day"),
        "single_price": _rule("limit", "day"),
        "after_market": _rule("limit best_opposite best_own", "day ioc fok"),
    },
    "NXT": {
        "pre_market": _rule("limit best_opposite best_own", "day ioc fok"),
        "continuous": _rule("limit best_opposite best_own midpoint", "day ioc fok"),
        "after_auction": _rule("limit", "day"),
        "after_market": _rule("limit best_opposite best_own", "day ioc fok"),
    },
    "US": {
        "pre_market": _rule("limit market", "day gtc at_open"),
        "continuous": _rule("limit market midpoint", "day ioc fok gtc at_close"),
        "after_market": _rule("limit", "day gtc"),
    },
}
_IMMEDIATE: Final[frozenset[OrderKind]] = frozenset({"limit", "market", "best_opposite", "midpoint"})


def order_is_allowed(venue: Venue, session: Session, order_type: OrderKind, time_in_force: TimeInForce) -> bool:
    """Whether a venue takes an order of this kind and life in this window. SOR takes what KRX or NXT takes."""
    if venue == "SOR":
        return any(order_is_allowed(each, session, order_type, time_in_force) for each in ("KRX", "NXT"))
    return order_kind_is_taken(venue, session.phase, order_type, time_in_force)


def order_kind_is_taken(venue: Venue, phase: Phase, order_type: OrderKind, time_in_force: TimeInForce) -> bool:
    """Whether a venue, not SOR, takes an order of this kind and life while it does this.

    Orders that wait for a price are ours until they trigger, so they may be left whenever the venue is in its regular
    session; what they turn into must be an order of that venue, and NXT has none at market and none beyond the day.
    """
    if order_type in _WAITING:
        if venue == "NXT":
            return phase == "continuous" and (order_type, time_in_force) == ("stop_limit", "day")
        return phase in _REGULAR and time_in_force in {"day", "gtc"}
    kinds, lives = _RULES[venue].get(phase, (frozenset(), frozenset()))
    if order_type not in kinds or time_in_force not in lives:
        return False
    if time_in_force in _AT_ONCE:
        return order_type in _IMMEDIATE
    if time_in_force in {"at_open", "at_close"}:
        return order_type in {"limit", "market"}
    # before the bell New York takes market orders for the opening cross alone
    return not (venue == "US" and phase == "pre_market" and order_type == "market")
