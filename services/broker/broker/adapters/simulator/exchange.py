"""The exchange as its members see it: orders, changes and quotes on one symbol's book; the rules are quant's."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, cast
from uuid import UUID

from quant.fees import Trade, fees_for, settlement_date
from quant.markets.bands import Band
from quant.markets.listing import Board, Kind, Market, Side
from quant.markets.sessions import Venue
from quant.markets.venues import Instrument, Window, is_traded, open_windows, takes
from quant.matching import Exchange, Order, OrderType, Outcome, Outside, Phase, Refusal, Rules, TimeInForce

from broker.adapters.simulator.quotes import Quote
from broker.domain.order import Execution, OrderIntent, Refused, Replacement

State = Literal["open", "filled", "canceled", "expired", "refused"]
NEWEST: Final = 2**62
"""The place in arrival of an order that is just entering: behind all others."""
_OF_NXT: Final[frozenset[TimeInForce]] = frozenset({"day", "ioc", "fok"})


@dataclass(frozen=True, slots=True)
class BookOrder:
    """An order in the exchange's books. `sequence` names it, `priority` is its place in line."""

    key: UUID
    sequence: int
    priority: int
    account: str
    symbol: str
    market: Market
    board: Board
    kind: Kind
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price: Decimal | None
    quantity: Decimal
    filled: Decimal
    state: State
    refusal: Refused | None
    trading_date: date | None
    accepted_at: datetime
    venue: Venue = "KRX"

    @property
    def place(self) -> Venue:
        """In whose book it is. What SOR is to choose, it chooses when the order enters."""
        return "NXT" if self.venue == "NXT" else self.market

    @property
    def open_quantity(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def is_entering(self) -> bool:
        return self.sequence == NEWEST


@dataclass(frozen=True, slots=True)
class Day:
    """How far a symbol's day had come when its book was last served; `is_ahead` of the quote that serves it now."""

    phase: Phase
    nxt_phase: Phase
    trading_date: date
    is_ahead: bool

    def at(self, venue: Venue) -> Phase:
        """What a venue's book did."""
        return self.nxt_phase if venue == "NXT" else self.phase

    def is_of(self, quote: Quote) -> bool:
        """Whether this quote finds it no further."""
        now = (quote.phase, quote.phase_at("NXT"), quote.trading_date)
        return (self.phase, self.nxt_phase, self.trading_date) == now


@dataclass(frozen=True, slots=True)
class Trades:
    """What happened to a book: the orders it let in or changed, executions in order, and the sizes left outside."""

    orders: tuple[BookOrder, ...]
    executions: tuple[tuple[UUID, Execution], ...]
    left: Outside


@dataclass(frozen=True, slots=True)
class Clerk:
    """What the exchange needs from outside to write an execution down, and how it is set up."""

    moment: datetime
    new_id: Callable[[], UUID]
    fee_schedule: str
    slippage_ticks: int = 0


def enter(order: OrderIntent, quote: Quote | None, moment: datetime) -> BookOrder:
    """The order as it enters the books, refused already when the exchange knows no such symbol."""
    unknown = Refused("unknown_symbol", f"The exchange has no quote for {order.symbol}.") if quote is None else None
    return BookOrder(
        key=order.key,
        sequence=NEWEST,
        priority=NEWEST,
        account=str(order.account_id),
        symbol=order.symbol,
        market=order.market,
        board=order.board,
        kind=order.kind,
        side=order.side,
        order_type=cast(OrderType, order.order_type),  # capabilities were checked before sending
        time_in_force=cast(TimeInForce, order.time_in_force),
        limit_price=order.limit_price,
        quantity=order.quantity,
        filled=Decimal(0),
        state="refused" if unknown else "open",
        refusal=unknown,
        trading_date=quote.trading_date if quote else None,
        accepted_at=moment,
        venue=order.market if order.market == "US" else order.venue,
    )


class Session:
    """One visit to a symbol's book: the orders a quote can touch, served, and what a member asks for on top.

    It is made from the books, and what it did is written back: nothing stays in memory.
    """

    def __init__(
        self,
        orders: Iterable[BookOrder],
        before: Day | None,
        quote: Quote,
        sizes: tuple[Decimal, Decimal],
        clerk: Clerk,
    ) -> None:
        self._quote = quote
        self._clerk = clerk
        self._book = {str(order.key): order for order in orders}
        self._changed: dict[str, BookOrder] = {}
        self._executions: list[tuple[UUID, Execution]] = []
        self._has_let_in = False
        self._before = before
        self._is_new_day = self._ends_another_day()
        bid_size, ask_size = sizes
        self._outside = Outside(quote.bid, bid_size, quote.ask, ask_size)
        self._exchanges: dict[Venue, Exchange] = {}
        for venue in dict.fromkeys((quote.market, *(order.place for order in self._book.values()))):
            self._open_book(venue)

    def _open_book(self, venue: Venue) -> Exchange:
        """A venue's book, brought to where the quote is. What is shown outside is there once for all venues."""
        quote, before = self._quote, self._before
        rules = _rules(quote, self._clerk, takes_market=venue != "NXT")
        exchange = Exchange(rules, phase=self._phase_before(venue), base_price=quote.price)
        self._exchanges[venue] = exchange
        line = sorted(self._book.values(), key=lambda order: order.priority)
        exchange.restore(_open(order) for order in line if order.place == venue)
        if before is None or not before.is_ahead:
            self._settle(exchange.begin(quote.phase_at(venue), quote.price))
        self._show(exchange)
        return exchange

    def _show(self, exchange: Exchange) -> None:
        """Show a venue what is left outside: another may have taken some of it."""
        self._settle(exchange.quote(self._outside))
        self._outside = exchange.outside

    def _phase_before(self, venue: Venue) -> Phase:
        """The phase a book was left in; whatever belongs to another day was left closed."""
        if self._is_new_day:
            return "closed"
        return self._before.at(venue) if self._before else self._quote.phase_at(venue)

    def _ends_another_day(self) -> bool:
        """End the orders of another day, if the quote begins a new one."""
        before, today = self._before, self._quote.trading_date
        if before is not None and before.is_ahead:
            return False
        old = [key for key, order in self._book.items() if order.trading_date != today]
        for key in old:
            if self._book[key].time_in_force in {"day", "at_close"}:
                self._changed[key] = replace(self._book.pop(key), state="expired")
        return bool(old) if before is None else before.trading_date != today

    def enter(self, order: BookOrder) -> None:
        """Let an order in, or write down why it may not. Each finds what it would find on a visit of its own."""
        if self._has_let_in:
            self._look_again()
        self._has_let_in = True
        refusal = self._let_in(order)
        if refusal is not None:
            self._changed[str(order.key)] = replace(order, state="refused", refusal=refusal)

    def _look_again(self) -> None:
        """See the books as the next visit would: at the quote's price; all in line anew, if this one began a phase."""
        quote, before = self._quote, self._before
        if before is None or not (before.is_ahead or before.is_of(quote)):
            self._before = Day(quote.phase, quote.phase_at("NXT"), quote.trading_date, is_ahead=False)
            self._is_new_day = False
            self._book = {key: each for key, each in (self._book | self._changed).items() if each.state == "open"}
            for venue in tuple(self._exchanges):
                self._open_book(venue)
        for exchange in self._exchanges.values():
            exchange.last = quote.price

    def _let_in(self, order: BookOrder) -> Refused | None:
        window = self._choose(order)
        if window is not None and not is_traded(window, Instrument(order.board, order.kind, self._quote.trading_date)):
            return Refused("order_type_not_allowed", f"{order.symbol} is not traded at {window.venue} now.")
        venue: Venue = window.venue if window is not None else order.place
        placed = replace(order, venue=venue)
        if venue == "NXT" and order.time_in_force not in _OF_NXT:
            return Refused("order_type_not_allowed", f"NXT has no orders that last {order.time_in_force}.")
        exchange = self._exchanges.get(venue) or self._open_book(venue)
        self._show(exchange)
        outcome = exchange.enter(_open(placed))
        if isinstance(outcome, Refusal):
            return Refused(outcome.code, outcome.text)
        self._changed[str(order.key)] = placed
        self._settle(outcome)
        self._outside = exchange.outside
        return None

    def _choose(self, order: BookOrder) -> Window | None:
        """The window an order goes to: its venue's; for SOR that of the better price, at a tie KRX's."""
        quote = self._quote
        windows = open_windows(order.venue, quote.session, quote.trading_date)
        if order.venue != "SOR":
            return windows[0] if windows else None
        of = Instrument(order.board, order.kind, quote.trading_date)
        fit = [each for each in windows if takes(each, of, order.order_type, order.time_in_force)]
        ranked = [(self._best_for(order, each.venue), place, each) for place, each in enumerate(fit)]
        return min(ranked)[2] if ranked else windows[0] if windows else None

    def _best_for(self, order: BookOrder, venue: Venue) -> Decimal:
        """The best price that waits for an order at a venue: the lower, the better; for a sale with its sign turned.

        A limit beyond its own does not count: whether that was read depends on who else has come.
        """
        exchange = self._exchanges.get(venue)
        side: Side = "sell" if order.side == "buy" else "buy"
        shown = self._outside.ask if side == "sell" else self._outside.bid
        waiting = exchange.book.best(side) if exchange is not None else None
        if waiting is not None and not _open(order).accepts(waiting):
            waiting = None
        offers = [price if side == "sell" else -price for price in (shown, waiting) if price is not None]
        return min(offers, default=Decimal("Infinity"))

    def amend(self, key: UUID, change: Replacement) -> Refused | None:
        """Change an open order; the reason when that cannot be."""
        order = self.order(key)
        exchange = self._exchanges[order.place]
        self._show(exchange)
        outcome = exchange.replace(str(key), change.quantity - order.filled, change.limit_price)
        if isinstance(outcome, Refusal):
            return Refused(outcome.code, outcome.text)
        keeps_place = change.limit_price == order.limit_price and change.quantity <= order.quantity
        self._changed[str(key)] = replace(
            order,
            quantity=change.quantity,
            limit_price=change.limit_price,
            priority=order.priority if keeps_place else NEWEST,
        )
        self._settle(outcome)
        self._outside = exchange.outside
        return None

    def order(self, key: UUID) -> BookOrder:
        """An order as it stands now."""
        return self._changed.get(str(key)) or self._book[str(key)]

    def trades(self) -> Trades:
        """Everything that happened so far."""
        return Trades(tuple(self._changed.values()), tuple(self._executions), self._outside)

    def _settle(self, outcome: Outcome) -> None:
        for key, price, quantity in outcome.fills:
            order = self._changed.get(key) or self._book[key]
            filled = order.filled + quantity
            self._changed[key] = replace(order, filled=filled, state="filled" if filled == order.quantity else "open")
            self._executions.append((order.key, _execution(order, price, quantity, self._quote, self._clerk)))
        for key, reason, _ in outcome.ended:
            self._changed[key] = replace(self._changed.get(key) or self._book[key], state=reason)


def _rules(quote: Quote, clerk: Clerk, *, takes_market: bool) -> Rules:
    lower, upper = quote.lower_limit, quote.upper_limit
    band = Band(lower, upper) if lower is not None and upper is not None else None
    on, slippage = quote.trading_date, clerk.slippage_ticks
    return Rules(quote.board, quote.kind, on, band, slippage_ticks=slippage, takes_market=takes_market)


def _open(order: BookOrder) -> Order:
    key, account = str(order.key), order.account
    return Order(key, order.side, order.open_quantity, order.limit_price, order.time_in_force, account)


def _execution(order: BookOrder, price: Decimal, quantity: Decimal, quote: Quote, clerk: Clerk) -> Execution:
    on = quote.trading_date
    costs = fees_for(Trade(order.market, order.board, order.kind, order.side, quantity, price, on), clerk.fee_schedule)
    return Execution(
        execution_id=f"simulator:{on}:{clerk.new_id()}",
        quantity=quantity,
        price=price,
        fee=costs.fee,
        tax=costs.taxes,
        trade_date=on,
        settlement_date=settlement_date(order.market, on),
        executed_at=clerk.moment,
    )
