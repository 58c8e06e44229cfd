"""One symbol's exchange: what enters, what trades, what waits, and what each phase of the day does to it.

Our orders meet one another and the market outside, which a feed of quotes stands for: the better price first, then
arrival, and at equal price the outside before us. What is shown outside is there once. Time is told by the caller, in
seconds of its own choice; the seed throws the exchange's dice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Final

from quant.markets.listing import Side
from quant.matching.auction import Interest, clear
from quant.matching.book import Book
from quant.matching.order import NOTHING, Ended, EndReason, Fill, Order, Outcome, Refusal
from quant.matching.rules import AUCTIONS, Outside, Phase, Rules

_NONE: Final = Decimal(0)
_OPPOSITE: Final[dict[Side, Side]] = {"buy": "sell", "sell": "buy"}
_TRADING: Final[frozenset[Phase]] = frozenset({"continuous", "after"})


_UNKNOWN: Final = Refusal("", "")
"""What stands for a price that was not judged yet."""
_Offer = tuple[Decimal, Order | None, Decimal]
"""The best that an arriving order can get: a price, the waiting order that offers it (None: outside), how much."""
PRICES_KNOWN_MAX: Final = 4_096
"""Verdicts on prices that are remembered; a day's band holds fewer."""


class Exchange:
    """The book of one symbol under its rules. Every method returns what it did; nothing happens by itself.

    Attributes:
        last: the last price traded, ours or outside; None before the first.
        auction_price: the last single-price auction's, or the day's base price: what static interruption goes by.
        resumes_at: when the volatility auction ends, in the caller's seconds; None outside of one.
    """

    __slots__ = (
        *(
            "_dice",
            "_known",
            "_left",
            "_seed",
            "auction_price",
            "book",
            "last",
            "phase",
            "resumes_at",
            "rules",
            "waiting",
        ),
    )

    def __init__(
        self, rules: Rules, *, phase: Phase = "closed", base_price: Decimal | None = None, seed: int = 0
    ) -> None:
        self.rules = rules
        self.phase: Phase = phase
        self.book = Book()
        self.waiting: dict[str, Order] = {}
        self.last = base_price
        self.auction_price = base_price
        self.resumes_at: float | None = None
        self._left: dict[Side, tuple[Decimal | None, Decimal]] = {"buy": (None, _NONE), "sell": (None, _NONE)}
        self._known: dict[Decimal, Refusal | None] = {}
        self._seed = seed
        self._dice: Random | None = None  # most days are never interrupted, and seeding takes as long as a trade

    @property
    def outside(self) -> Outside:
        """The market outside, with what is left there."""
        (bid, bid_size), (ask, ask_size) = self._left["buy"], self._left["sell"]
        return Outside(bid, bid_size, ask, ask_size)

    # What members ask for

    def enter(self, order: Order, at: float = 0.0) -> Outcome | Refusal:
        """Take an order: trade what can be traded, let the rest wait or end, as its time in force says."""
        refusal = self._refuse(order)
        if refusal is not None:
            return refusal
        when, phase = order.time_in_force, self.phase
        if (when == "at_close" and phase != "closing") or (when == "at_open" and phase != "opening"):
            self.waiting[order.key] = order
            return NOTHING
        if phase == "after" and when == "gtc":
            self.waiting[order.key] = order
            return NOTHING
        if phase in AUCTIONS:
            self.book.add(order)
            return NOTHING
        return self._enter_trading(order, at)

    def _enter_trading(self, order: Order, at: float) -> Outcome:
        when = order.time_in_force
        if when == "fok" and self._available(order) < order.quantity:
            return Outcome(ended=(Ended(order.key, "canceled", order.quantity),))
        fills, is_over = self._trade(order, at)
        if not order.quantity:
            return Outcome(tuple(fills))
        if is_over or when in {"ioc", "fok"}:
            return Outcome(tuple(fills), (Ended(order.key, "canceled", order.quantity),))
        self.book.add(order)
        return Outcome(tuple(fills)) if fills else NOTHING

    def cancel(self, key: str) -> Decimal:
        """Take an order out; what was open of it, zero when it is not here."""
        waiting = self.waiting.pop(key, None)
        return waiting.quantity if waiting is not None else self.book.remove(key)

    def replace(self, key: str, quantity: Decimal, price: Decimal | None, at: float = 0.0) -> Outcome | Refusal:
        """Change what is open of an order, or its limit.

        Less at the same price keeps its place; anything else goes to the end of the line, and may trade at once.
        """
        order = self.waiting.get(key) or self.book.find(key)
        if order is None:
            return Refusal("order_not_found", "There is nothing open to change.")
        if (order.price is None) != (price is None):
            return Refusal("order_type_not_allowed", "A change keeps the order's type: a limit stays, and only there.")
        changed = Order(key, order.side, quantity, price, order.time_in_force, order.account)
        refusal = self._refuse(changed)
        if refusal is not None:
            return refusal
        if price == order.price and quantity <= order.quantity:
            order.quantity = quantity
            return NOTHING
        self.cancel(key)
        return self.enter(changed, at)

    # What the market does

    def restore(self, orders: Iterable[Order]) -> None:
        """Put orders back that were here before, in the order of their arrival; nothing trades."""
        for order in orders:
            order.has_rested = True
            is_early = order.time_in_force == "at_open" and self.phase != "opening"
            is_late = order.time_in_force == "at_close" and self.phase != "closing"
            if is_early or is_late or (order.time_in_force == "gtc" and self.phase == "after"):
                self.waiting[order.key] = order
            else:
                self.book.add(order)

    def quote(self, outside: Outside, last: Decimal | None = None) -> Outcome:
        """See the market outside move, and serve what waits against it."""
        self._left = {"buy": (outside.bid, outside.bid_size), "sell": (outside.ask, outside.ask_size)}
        if last is not None:
            self.last = last
        if self.phase not in _TRADING:
            return NOTHING
        fills = [*self._serve("buy"), *self._serve("sell")]
        return Outcome(tuple(fills)) if fills else NOTHING

    def begin(self, phase: Phase, price: Decimal | None = None) -> Outcome:
        """Begin a phase of the day; the auction that ends with it crosses, at `price` if the outside market says so.

        A feed that shows no auctions still has them: from closed to continuous is an opening, and from continuous to
        closed a closing for those who waited for it. Between the regular session and what comes after it is closed.
        """
        if phase == self.phase:
            return NOTHING
        fills: list[Fill] = []
        ended: list[Ended] = []
        if "after" in {self.phase, phase} and "closed" not in {self.phase, phase}:
            between = self.begin("closed", price)
            fills, ended = [*between.fills], [*between.ended]
        if self.phase == "closed" and phase == "continuous":
            self.begin("opening")
        elif self.phase == "continuous" and phase == "closed":
            ended += self._end("expired", {"day"})
            self.begin("closing")
        if self.phase in AUCTIONS:
            fills += self._cross(price)
        if self.phase == "opening":
            ended += self._end("expired", {"at_open"})
        self.phase, self.resumes_at = phase, None
        self._admit()
        if phase == "closed":
            ended += self._end("expired", {"day", "at_close"})
        if phase in _TRADING:
            fills += [*self._serve("buy"), *self._serve("sell")]
        return Outcome(tuple(fills), tuple(ended))

    def advance(self, at: float) -> Outcome:
        """Let time pass: a volatility auction that is over crosses, and continuous trading resumes."""
        if self.resumes_at is None or at < self.resumes_at:
            return NOTHING
        return self.begin("continuous")

    # How it is done

    def _refuse(self, order: Order) -> Refusal | None:
        refusal, price = self.rules.refuse(order, self.phase), order.price
        if refusal is not None or price is None:
            return refusal
        verdict = self._known.get(price, _UNKNOWN)
        if verdict is not _UNKNOWN:
            return verdict
        if len(self._known) >= PRICES_KNOWN_MAX:
            self._known.clear()
        self._known[price] = verdict = self.rules.refuse_price(price)
        return verdict

    def _trade(self, order: Order, at: float) -> tuple[list[Fill], bool]:
        """Trade an arriving order as far as prices allow; true when it may not wait for more."""
        fills: list[Fill] = []
        reference, rules, book = self.last, self.rules, self.book
        side, wanted, key = _OPPOSITE[order.side], order.quantity, order.key
        while wanted:
            offer = self._offer(order, side)
            if offer is None:
                break
            price, maker, shown = offer
            if maker is not None and maker.account and maker.account == order.account and rules.keeps_accounts_apart:
                return fills, True
            watched = rules.interruption is not None and self.phase == "continuous"
            if watched and rules.is_interrupted_by(price, reference, self.auction_price):
                self._interrupt(at)
                break
            quantity = min(wanted, shown)
            order.quantity = wanted = wanted - quantity
            if maker is None:
                shown_price, left = self._left[side]
                self._left[side] = (shown_price, left - quantity)
            else:
                book.take(maker, quantity)
                fills.append(Fill(maker.key, price, quantity))
            fills.append(Fill(key, price, quantity))
            self.last = price
        return fills, False

    def _offer(self, order: Order, side: Side) -> _Offer | None:
        """The best that the other side has for an arriving order, if it accepts that."""
        maker = self.book.first(side)
        shown_price, shown = self._left[side]
        offered = None if maker is None else maker.price
        if maker is not None and offered is None:
            return self._offer_at_market(order, maker, side)
        if shown_price is not None and shown and (maker is None or not _is_better(maker, shown_price)):
            if not order.accepts(shown_price):
                return None
            return self.rules.slipped(order, shown_price), None, shown
        if maker is None or offered is None:
            return None
        limit = order.price
        if limit is not None and (offered > limit if side == "sell" else offered < limit):
            return None
        return offered, maker, maker.quantity

    def _offer_at_market(self, order: Order, maker: Order, side: Side) -> _Offer | None:
        """A waiting market order outranks every limit; it trades at the best of them, or at the arriving limit."""
        limits = [price for price in (self.book.best(side), self._left[side][0]) if price is not None]
        best = (max(limits) if side == "buy" else min(limits)) if limits else order.price or self.last
        price = best if best is not None and order.accepts(best) else order.price
        return None if price is None else (price, maker, maker.quantity)

    def _available(self, order: Order) -> Decimal:
        """The shares an order could take in its turn now, until it would meet its own account or interrupt trading."""
        found, reference, rules = _NONE, self.last, self.rules
        for price, maker, quantity in self._offers(order, _OPPOSITE[order.side]):
            if found >= order.quantity or not order.accepts(price):
                break
            if maker is not None and maker.account and maker.account == order.account and rules.keeps_accounts_apart:
                break
            if self.phase == "continuous" and rules.is_interrupted_by(price, reference, self.auction_price):
                break
            found += quantity
        return found

    def _offers(self, order: Order, side: Side) -> Iterator[_Offer]:
        """All that a side has for an arriving order, in the order in which it would trade."""
        shown_price, shown = self._left[side]
        outside = []
        if shown_price is not None and shown and order.accepts(shown_price):  # what it slips to is never past a limit
            outside.append((self.rules.slipped(order, shown_price), None, shown))
        for maker in self.book.orders(side):
            if maker.price is None:
                if (offer := self._offer_at_market(order, maker, side)) is not None:
                    yield offer
                continue
            if outside and shown_price is not None and not _is_better(maker, shown_price):
                yield outside.pop()
            yield maker.price, maker, maker.quantity
        yield from outside

    def _serve(self, side: Side) -> Iterable[Fill]:
        """Serve waiting orders against what is shown outside. A limit trades at its own price: it was the offer."""
        opposite = _OPPOSITE[side]
        fills: list[Fill] = []
        price, left = self._left[opposite]
        while price is not None and left > 0:
            order = self.book.first(side)
            if order is None or not order.accepts(price):
                break
            quantity = min(order.quantity, left)
            left -= quantity
            self.last = order.price if order.price is not None else self.rules.slipped(order, price)
            fills.append(Fill(order.key, self.last, quantity))
            self.book.take(order, quantity)
        self._left[opposite] = (price, left)
        return fills

    def _cross(self, price: Decimal | None) -> list[Fill]:
        """End an auction: everybody who agrees to its price trades at it, by price, then arrival.

        A price that comes from outside is that of a market far larger than ours: it has a share for each of us.
        """
        if price is not None:
            agreeing = [order for side in ("buy", "sell") for order in self._line(side, price)]
            fills = [Fill(order.key, price, order.quantity) for order in agreeing]
        else:
            cleared = clear(self._interests(), self.last if self.last is not None else _NONE)
            if cleared is None or cleared.price <= 0:
                return []
            price = cleared.price
            fills = [fill for side in ("buy", "sell") for fill in self._allot(side, price, cleared.quantity)]
        for key, _, quantity in fills:
            order = self.book.find(key)
            assert order is not None, "who has a share of an auction is in the book"
            self.book.take(order, quantity)
        self.last = self.auction_price = price
        return fills

    def _line(self, side: Side, price: Decimal) -> list[Order]:
        return [order for order in self.book.orders(side) if order.accepts(price)]

    def _interests(self) -> list[Interest]:
        orders = [order for side in ("buy", "sell") for order in self.book.orders(side)]
        interests = [Interest(order.side, order.price, order.quantity) for order in orders]
        shown = [Interest(side, price, size) for side, (price, size) in self._left.items() if price and size > 0]
        return interests + shown

    def _allot(self, side: Side, price: Decimal, quantity: Decimal) -> Iterable[Fill]:
        """Share a side's part of an auction out, what is shown outside in its own place of the line."""
        shown_price, shown = self._left[side]
        is_due = shown_price is not None and (shown_price >= price if side == "buy" else shown_price <= price)
        for order in self._line(side, price):
            if is_due and shown_price is not None and order.price is not None and not _is_better(order, shown_price):
                taken, is_due = min(quantity, shown), False
                quantity -= taken
                self._left[side] = (shown_price, shown - taken)
            taken = min(quantity, order.quantity)
            if not taken:
                return
            quantity -= taken
            yield Fill(order.key, price, taken)
        if is_due:
            self._left[side] = (shown_price, shown - min(quantity, shown))

    def _interrupt(self, at: float) -> None:
        limits = self.rules.interruption
        assert limits is not None, "only rules with an interruption interrupt"
        self.phase = "volatility"
        self._dice = self._dice or Random(self._seed)  # noqa: S311 - the dice of a simulation, which must repeat
        self.resumes_at = at + limits.seconds + self._dice.uniform(0, limits.random_seconds_max)

    def _admit(self) -> None:
        """Let in what waited for this phase; what outlives the day stands aside from what follows its session."""
        if self.phase == "after":
            lasting = [replace(order) for side in _OPPOSITE for order in self.book.orders(side)]
            self.waiting |= {order.key: order for order in lasting if self.book.remove(order.key)}
            return
        due = {"opening": {"at_open", "gtc"}, "closing": {"at_close", "gtc"}}.get(self.phase, {"gtc"})
        for key in [key for key, order in self.waiting.items() if order.time_in_force in due]:
            self.book.add(self.waiting.pop(key))

    def _end(self, reason: EndReason, kinds: set[str]) -> list[Ended]:
        held = [order for order in self.waiting.values() if reason == "expired" and order.time_in_force == "at_close"]
        inside = [order for side in ("buy", "sell") for order in self.book.orders(side)]
        over = [order for order in [*inside, *held] if order.time_in_force in kinds]
        return [Ended(order.key, reason, self.cancel(order.key)) for order in over]


def _is_better(order: Order, price: Decimal) -> bool:
    """Whether a waiting limit offers more than a price shown outside on the same side."""
    assert order.price is not None
    return order.price > price if order.side == "buy" else order.price < price
