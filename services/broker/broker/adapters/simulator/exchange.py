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
from quant.matching import Exchange, Order, OrderType, Outcome, Outside, Phase, Refusal, Rules, TimeInForce

from broker.adapters.simulator.quotes import Quote
from broker.domain.order import Execution, OrderIntent, Refused, Replacement

State = Literal["open", "filled", "canceled", "expired", "refused"]
NEWEST: Final = 2**62
"""The place in arrival of an order that is just entering: behind all others."""


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
    trading_date: date
    is_ahead: bool


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
        self._exchange = Exchange(_rules(quote, clerk), phase=self._phase_before(before), base_price=quote.price)
        line = sorted(self._book.values(), key=lambda order: order.priority)
        self._exchange.restore(_open(order) for order in line)
        bid_size, ask_size = sizes
        if before is None or not before.is_ahead:
            self._settle(self._exchange.begin(quote.phase, quote.price))
        self._settle(self._exchange.quote(Outside(quote.bid, bid_size, quote.ask, ask_size)))

    def _phase_before(self, before: Day | None) -> Phase:
        """The phase the book was left in; whatever belongs to another day was left closed."""
        today = self._quote.trading_date
        if before is not None and before.is_ahead:
            return before.phase
        old = [key for key, order in self._book.items() if order.trading_date != today]
        for key in old:
            if self._book[key].time_in_force in {"day", "at_close"}:
                self._changed[key] = replace(self._book.pop(key), state="expired")
        if old or (before is not None and before.trading_date != today):
            return "closed"
        return before.phase if before else self._quote.phase

    def enter(self, order: BookOrder) -> Refused | None:
        """Let an order in; the reason when it may not."""
        self._book[str(order.key)] = order
        outcome = self._exchange.enter(_open(order))
        if isinstance(outcome, Refusal):
            return Refused(outcome.code, outcome.text)
        self._changed[str(order.key)] = order
        self._settle(outcome)
        return None

    def amend(self, key: UUID, change: Replacement) -> Refused | None:
        """Change an open order; the reason when that cannot be."""
        order = self.order(key)
        outcome = self._exchange.replace(str(key), change.quantity - order.filled, change.limit_price)
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
        return None

    def order(self, key: UUID) -> BookOrder:
        """An order as it stands now."""
        return self._changed.get(str(key)) or self._book[str(key)]

    def trades(self) -> Trades:
        """Everything that happened so far."""
        return Trades(tuple(self._changed.values()), tuple(self._executions), self._exchange.outside)

    def _settle(self, outcome: Outcome) -> None:
        for key, price, quantity in outcome.fills:
            order = self._changed.get(key) or self._book[key]
            filled = order.filled + quantity
            self._changed[key] = replace(order, filled=filled, state="filled" if filled == order.quantity else "open")
            self._executions.append((order.key, _execution(order, price, quantity, self._quote, self._clerk)))
        for key, reason, _ in outcome.ended:
            self._changed[key] = replace(self._changed.get(key) or self._book[key], state=reason)


def _rules(quote: Quote, clerk: Clerk) -> Rules:
    lower, upper = quote.lower_limit, quote.upper_limit
    band = Band(lower, upper) if lower is not None and upper is not None else None
    return Rules(quote.board, quote.kind, quote.trading_date, band, slippage_ticks=clerk.slippage_ticks)


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
