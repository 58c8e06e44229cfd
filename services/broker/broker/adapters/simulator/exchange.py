"""The exchange's rules: what it refuses, what trades against a quote, and what ends with the session; pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, cast
from uuid import UUID

from quant.fees import Trade, fees_for, settlement_date
from quant.markets.listing import Board, Kind, Market, Side
from quant.markets.ticks import is_on_grid
from quant.matching import Fill, OrderType, RestingOrder, TimeInForce, Top, match_all

from broker.adapters.simulator.quotes import Quote
from broker.domain.order import Execution, OrderIntent, Refused

State = Literal["open", "filled", "canceled", "expired", "refused"]
NEWEST: Final = 2**62
"""The place in arrival of an order that is just entering: behind all others."""


@dataclass(frozen=True, slots=True)
class BookOrder:
    """An order in the exchange's books."""

    key: UUID
    sequence: int
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
class Trades:
    """What a quote did to a book: the orders it let in or changed, executions as they happened, and the sizes left."""

    orders: tuple[BookOrder, ...]
    executions: tuple[tuple[UUID, Execution], ...]
    left: Top


@dataclass(frozen=True, slots=True)
class Clerk:
    """What the exchange needs from outside to write an execution down."""

    moment: datetime
    new_id: Callable[[], UUID]
    fee_schedule: str


def enter(order: OrderIntent, quote: Quote | None, moment: datetime) -> BookOrder:
    """The order as it enters the books: open, or refused for good."""
    refusal = next(_objections(order, quote), None)
    return BookOrder(
        key=order.key,
        sequence=NEWEST,
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
        state="refused" if refusal else "open",
        refusal=refusal,
        trading_date=quote.trading_date if quote else None,
        accepted_at=moment,
    )


def _objections(order: OrderIntent, quote: Quote | None) -> Iterator[Refused]:
    """Why the exchange refuses an order; the first one counts."""
    if quote is None:
        yield Refused("unknown_symbol", f"The exchange has no quote for {order.symbol}.")
        return
    if not quote.is_open:
        yield Refused("market_closed", f"The session of {quote.trading_date} is closed.")
    if order.quantity % 1 != 0:
        yield Refused("quantity_off_lot", "The exchange trades whole shares.")
    limit = order.limit_price
    if limit is None:
        return
    if not is_on_grid(limit, quote.board, quote.kind, quote.trading_date):
        yield Refused("price_off_tick", f"{limit} is not on the price grid of {order.symbol}.")
    if quote.lower_limit is not None and limit < quote.lower_limit:
        yield Refused("price_outside_band", f"The lowest price of the day is {quote.lower_limit}.")
    if quote.upper_limit is not None and limit > quote.upper_limit:
        yield Refused("price_outside_band", f"The highest price of the day is {quote.upper_limit}.")


def trade(orders: Iterable[BookOrder], quote: Quote, sizes: tuple[Decimal, Decimal], clerk: Clerk) -> Trades:
    """Serve a book's open orders against a quote: those of an ended session expire, the others trade as they can."""
    book = {order.key: order for order in orders}
    ended = {key for key, order in book.items() if not quote.is_open or order.trading_date != quote.trading_date}
    changed = {key: replace(book[key], state="expired") for key in ended}
    changed |= {key: order for key, order in book.items() if order.is_entering}
    top = Top(bid=quote.bid, bid_size=sizes[0], ask=quote.ask, ask_size=sizes[1])
    round_ = match_all([_resting(order) for key, order in book.items() if key not in ended], top)
    executions: list[tuple[UUID, Execution]] = []
    for fill in round_.fills:
        key = UUID(fill.key)
        before = changed.get(key, book[key])
        changed[key] = _filled(before, fill)
        executions.append((key, _execution(before, fill, quote.trading_date, clerk)))
    for text in round_.canceled:
        key = UUID(text)
        changed[key] = replace(changed.get(key, book[key]), state="canceled")
    return Trades(tuple(changed.values()), tuple(executions), round_.left)


def _resting(order: BookOrder) -> RestingOrder:
    return RestingOrder(
        key=str(order.key),
        side=order.side,
        quantity=order.open_quantity,
        sequence=order.sequence,
        limit_price=order.limit_price,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        rested=not order.is_entering,
    )


def _filled(order: BookOrder, fill: Fill) -> BookOrder:
    filled = order.filled + fill.quantity
    return replace(order, filled=filled, state="filled" if filled == order.quantity else "open")


def _execution(order: BookOrder, fill: Fill, on: date, clerk: Clerk) -> Execution:
    traded = Trade(order.market, order.board, order.kind, order.side, fill.quantity, fill.price, on)
    costs = fees_for(traded, clerk.fee_schedule)
    return Execution(
        execution_id=f"simulator:{on}:{clerk.new_id()}",
        quantity=fill.quantity,
        price=fill.price,
        fee=costs.fee,
        tax=costs.taxes,
        trade_date=on,
        settlement_date=settlement_date(order.market, on),
        executed_at=clerk.moment,
    )
