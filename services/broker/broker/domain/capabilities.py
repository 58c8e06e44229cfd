"""What a broker can do in one of its environments, published to users and enforced before anything is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from quant.markets.listing import Market
from quant.markets.sessions import Venue

from broker.domain.order import Environment, OrderIntent, Refused

Replaces = Literal["native", "cancel_and_new", "none"]
Part = Literal["pre_market", "regular", "after_market"]
DataKind = Literal["quotes", "books", "daily_bars", "minute_bars", "live_trades", "live_books"]

EXTENDED_AT_NXT: Final[frozenset[tuple[Venue, Part]]] = frozenset(
    (venue, part) for venue in ("NXT", "SOR") for part in ("pre_market", "after_market")
)
"""What reaches NXT before and after the regular session, named or through SOR."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One connector's abilities. The last ones decide how we may learn what became of an order.

    Attributes:
        replaces: `native` changes an order in place; with `cancel_and_new` the user cancels and places anew, because
            only they can want the moment in between; `none` has no way at all.
        changes_quantity: a change may ask for another number of shares; otherwise only the limit moves.
        identifies_by_key: the broker knows an order by the key we gave it.
        absence_is_certain: an order it does not show does not exist, and the same key never makes a second one; only
            then may an order be sent again.
        reports_executions: it tells of executions by itself.
        answers_with_trades: the answer to an order says what it traded at once, as the simulator's does; others are
            asked afterwards.
        tells_costs: it says what it charged for each execution; for others the schedule of fees does.
        tells_expiry: it tells an order that expired from one that somebody canceled.
        books_are_ours: its books lie in our own database, so that none of them outlives what we know of it.
        venues: where an order may ask to trade. SOR means that the broker chooses between KRX and NXT; in the United
            States the broker finds the exchange.
        unconfirmed_venues: those of them whose rules the broker publishes nowhere. They are open only where the
            operator's list of brokers names them.
        beyond_regular: venues that its orders reach outside of their regular session as well, and in which part of the
            day; enforced by `domain/hours.py`.
        lists_in_pages: its list of orders comes in pages, of which one may be missing.
        market_data: what it shows of its market through `adapters/market_data.py`.
    """

    broker: str
    title: str
    account_kinds: frozenset[str]
    markets: frozenset[Market]
    order_types: frozenset[str]
    times_in_force: frozenset[str]
    can_cancel: bool
    replaces: Replaces
    identifies_by_key: bool
    absence_is_certain: bool
    reports_executions: bool
    answers_with_trades: bool = False
    tells_costs: bool = False
    tells_expiry: bool = False
    books_are_ours: bool = False
    changes_quantity: bool = True
    venues: frozenset[Venue] = frozenset({"KRX"})
    unconfirmed_venues: frozenset[Venue] = frozenset()
    market_data: frozenset[DataKind] = frozenset()
    environment: Environment = "paper"
    beyond_regular: frozenset[tuple[Venue, Part]] = frozenset()
    lists_in_pages: bool = True

    def sessions_at(self, venue: Venue) -> frozenset[Part]:
        """Parts of the day that its orders for a venue reach."""
        regular: frozenset[Part] = frozenset({"regular"})
        return regular | {part for place, part in self.beyond_regular if place == venue}

    @property
    def sessions(self) -> frozenset[Part]:
        """Parts of the day that its orders reach, at whichever of its venues."""
        return frozenset[Part]().union(*(self.sessions_at(venue) for venue in self.venues))

    def only_at(self, venues: frozenset[Venue] | None) -> "Capabilities":
        """The same with these of its venues; None for all that are confirmed."""
        return replace(self, venues=self.venues - self.unconfirmed_venues if venues is None else venues)


_CHOSEN: Final[frozenset[Venue]] = frozenset({"NXT", "SOR"})
"""Venues that somebody asked for; any other is the market's own."""
_LIMITS_ONLY: Final[frozenset[Venue]] = frozenset({"NXT"})
"""Venues without orders at market."""


def refuse_beyond(able: Capabilities, order: OrderIntent) -> Refused | None:
    """The refusal of an order this broker cannot carry out; None when it can."""
    return next(_objections(able, order), None)


def _objections(able: Capabilities, order: OrderIntent) -> Iterator[Refused]:
    if order.account_kind not in able.account_kinds:
        yield Refused("live_not_permitted", f"{able.title} does not serve {order.account_kind} accounts.")
    if order.market not in able.markets:
        yield Refused("unknown_symbol", f"{able.title} does not trade on {order.market}.")
    elif order.venue in _CHOSEN and order.venue not in able.venues:
        yield Refused(
            "order_type_not_allowed", f"{able.title} sends no orders to {order.venue} from this account: name KRX."
        )
    elif order.venue in _LIMITS_ONLY and order.order_type == "market":
        yield Refused("order_type_not_allowed", f"{order.venue} takes no orders at market: give a limit.")
    if order.order_type not in able.order_types:
        yield Refused("order_type_not_allowed", f"{able.title} has no {order.order_type} orders.")
    if order.time_in_force not in able.times_in_force:
        yield Refused("order_type_not_allowed", f"{able.title} has no orders that last {order.time_in_force}.")
    if (order.order_type == "limit") != (order.limit_price is not None):
        yield Refused("order_type_not_allowed", "A limit order has a limit price and a market order has none.")
    if order.quantity <= 0:
        yield Refused("quantity_off_lot", "An order is for more than nothing.")
    if order.limit_price is not None and order.limit_price <= 0:
        yield Refused("price_off_tick", "A limit price is more than nothing.")
