"""The securities house behind every emulator: orders with its numbers, accounts, an exchange for each symbol; pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Final, Literal

from quant.fees import US_MARKET_BUY_MARGIN, Trade, fees_for
from quant.markets.bands import price_band
from quant.markets.calendar import SEOUL, session_on_or_after
from quant.markets.listing import Board, Side, market_of
from quant.matching import Exchange, Order, Outcome, Outside, Refusal, Rules, TimeInForce

from emulators.tape import Tape, Tick

ORDERS_MAX: Final = 100_000
Action = Literal["order", "change", "cancel"]


@dataclass(frozen=True)
class Place:
    """Where a house trades: its board, its day, the cash a new account has, and how its orders are numbered.

    Attributes:
        number: an order's number from how many there were today.
        counts_anew: the same numbers come again the next day.
        changes_whole: a change takes the place of the whole order and may ask for more; otherwise it moves a share of
            what is open.
        has_nxt: orders may go to NXT, and through SOR to the better of the two.
    """

    board: Board
    zone: tzinfo
    cash_at_first: Decimal
    number: Callable[[int], str]
    counts_anew: bool = True
    changes_whole: bool = False
    has_nxt: bool = False


def korea(digits: int, *, has_nxt: bool = False) -> Place:
    """KOSPI, with numbers of so many digits (1 for none padded)."""
    return Place("KOSPI", SEOUL, Decimal(1_000_000_000), lambda count: f"{count:0{digits}d}", has_nxt=has_nxt)


@dataclass
class Slip:
    """One order as the house keeps it. A change or cancel is a slip of its own that names the original.

    `kind` is the broker's own word for the order's kind; the house goes by `limit` and `time_in_force`.
    """

    number: str
    original: str
    account: str
    symbol: str
    side: Side
    kind: str
    quantity: Decimal
    price: Decimal
    at: datetime
    limit: bool = True
    time_in_force: TimeInForce = "day"
    venue: str = "KRX"
    went_to: str = ""
    """Where SOR sent it."""
    action: Action = "order"
    client_key: str = ""
    filled: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    canceled: Decimal = Decimal(0)
    expired: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)
    moved: Decimal = Decimal(0)

    @property
    def is_at_nxt(self) -> bool:
        return "NXT" in {self.venue, self.went_to}

    @property
    def open(self) -> Decimal:
        """What can still trade."""
        if self.action == "cancel":
            return Decimal(0)
        return self.quantity - self.filled - self.canceled - self.expired - self.rejected - self.moved


@dataclass(frozen=True)
class Dealt:
    """One execution, as the house numbers them."""

    number: int
    slip: Slip
    price: Decimal
    quantity: Decimal
    at: datetime


@dataclass
class Account:
    """Cash and shares; what open orders may still need is counted from the slips."""

    cash: Decimal
    shares: dict[str, Decimal] = field(default_factory=dict)
    cost: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class No:
    """The house says no. Each emulator says it in its broker's codes."""

    reason: str


@dataclass(frozen=True)
class Notice:
    """What the house tells about a slip: taken, changed, canceled (all with an execution's fields empty), or dealt."""

    slip: Slip
    event: Literal["taken", "changed", "canceled", "expired", "dealt"]
    quantity: Decimal
    dealt: Dealt | None = None


class House:
    """Everything an emulator knows between requests."""

    def __init__(self, clock: Callable[[], datetime], place: Place) -> None:
        self.clock = clock
        self.where = place
        self.accounts: dict[str, Account] = {}
        self.slips: dict[str, Slip] = {}
        self.dealt: list[Dealt] = []
        self.exchanges: dict[str, Exchange] = {}
        self.nxt: dict[str, Exchange] = {}
        """The books of the second venue, where orders may go to one."""
        self.bases: dict[str, Decimal] = {}
        self.tape = Tape(place.zone)
        self.tell: Callable[[Notice], None] = lambda _: None
        self.show: Callable[[str, Exchange], None] = lambda _, __: None
        self.print: Callable[[str, Tick], None] = lambda _, __: None
        self._count = 0

    def account(self, number: str) -> Account:
        return self.accounts.setdefault(number, Account(self.where.cash_at_first))

    # The market

    def list_symbol(self, symbol: str, base: Decimal) -> None:
        """List a stock, or begin its next day with all of its slips closed."""
        board = self.where.board
        today = session_on_or_after(market_of(board), self.today())
        rules = Rules(board, "stock", today, None if board == "US" else price_band(base, board, today))
        self.bases[symbol] = base
        self.exchanges[symbol] = Exchange(rules, phase="continuous", base_price=base)
        if self.where.has_nxt:
            self.nxt[symbol] = Exchange(rules, phase="continuous", base_price=base)

    def quote_nxt(self, symbol: str, outside: Outside) -> None:
        """Move what NXT shows, which has a book of its own."""
        self._settle(self.nxt[symbol].quote(outside))

    def quote(self, symbol: str, outside: Outside) -> None:
        """Move the market outside."""
        self._settle(self.exchanges[symbol].quote(outside))
        self.show(symbol, self.exchanges[symbol])

    def trade(self, symbol: str, price: Decimal, quantity: Decimal) -> None:
        """Let others trade with each other, outside of us."""
        exchange = self.exchanges[symbol]
        self._write(symbol, price, quantity)
        self._settle(exchange.quote(exchange.outside, price))
        self.show(symbol, exchange)

    def today(self) -> date:
        """The day it is in this market."""
        return self.clock().astimezone(self.where.zone).date()

    def close(self, symbol: str) -> None:
        """End the day of a symbol; NXT goes on."""
        self._settle(self.exchanges[symbol].begin("closed"))

    # What customers ask for

    def place(self, slip: Slip) -> No | None:
        """Take an order."""
        exchange = self.exchanges.get(slip.symbol)
        if exchange is None:
            return No("unknown_symbol")
        if len(self.slips) >= ORDERS_MAX:
            return No("order_type_not_allowed")
        if slip.quantity % 1 or slip.quantity <= 0:
            return No("quantity_off_lot")
        if slip.venue == "SOR" and self.where.has_nxt:
            slip.went_to = self._best_of(slip)
        if (refusal := self._not_there(slip) or self._short_of(slip)) is not None:
            return refusal
        order = Order(
            slip.number, slip.side, slip.quantity, slip.price if slip.limit else None, slip.time_in_force, slip.account
        )
        self.slips[slip.number] = slip
        outcome = self._book(slip).enter(order)
        if isinstance(outcome, Refusal):
            del self.slips[slip.number]
            return No(outcome.code)
        self.tell(Notice(slip, "taken", slip.quantity))
        self._settle(outcome)
        return None

    def take_from_its_own_app(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, kind: str) -> Slip | No:
        """A limit order that the customer who came last places past us. `kind` is the broker's word for one."""
        if not self.accounts:
            return No("no_position")
        slip = Slip(
            number=self.next_number(),
            original="",
            account=next(reversed(self.accounts)),
            symbol=symbol,
            side=side,
            kind=kind,
            quantity=quantity,
            price=price,
            at=self.clock(),
        )
        return self.place(slip) or slip

    def _book(self, slip: Slip) -> Exchange:
        """Where an order waits and trades."""
        return (self.nxt if slip.is_at_nxt else self.exchanges)[slip.symbol]

    def _not_there(self, slip: Slip) -> No | None:
        """Why its venue takes no such order."""
        if slip.venue in {"NXT", "SOR"} and not self.where.has_nxt:
            return No("venue_not_offered")
        is_plain_market = not slip.limit and slip.time_in_force == "day"
        return No("order_type_not_allowed") if slip.is_at_nxt and is_plain_market else None

    def _best_of(self, slip: Slip) -> str:
        """Where SOR sends an order: to the better price that waits; to KRX at a tie, at market, or without any."""
        krx, nxt = self.exchanges[slip.symbol], self.nxt[slip.symbol]
        if krx.phase == "closed":
            return "NXT"
        if slip.side == "buy":
            here, there = krx.outside.ask, nxt.outside.ask
            is_better = there is not None and (here is None or there < here)
        else:
            here, there = krx.outside.bid, nxt.outside.bid
            is_better = there is not None and (here is None or there > here)
        return "NXT" if slip.limit and is_better else "KRX"

    def _short_of(self, slip: Slip) -> No | None:
        waiting = [each for each in self.slips.values() if each.account == slip.account and each.open]
        account = self.account(slip.account)
        if slip.side == "sell":
            promised = sum(
                (each.open for each in waiting if (each.side, each.symbol) == ("sell", slip.symbol)), Decimal(0)
            )
            if slip.quantity > account.shares.get(slip.symbol, Decimal(0)) - promised:
                return No("insufficient_shares")
            return None
        return No("insufficient_cash") if slip.quantity * self._dear(slip) > self.spendable(slip.account) else None

    def spendable(self, account: str) -> Decimal:
        """Cash that no open order may still need."""
        buys = (each for each in self.slips.values() if each.account == account and each.open and each.side == "buy")
        return self.account(account).cash - sum((each.open * self._dear(each) for each in buys), Decimal(0))

    def _dear(self, slip: Slip) -> Decimal:
        """The price a buy is margined at: its limit, else the day's upper limit, else the ask and some more."""
        if slip.limit:
            return slip.price
        exchange = self.exchanges[slip.symbol]
        if exchange.rules.band is not None:
            return exchange.rules.band.upper
        return (exchange.outside.ask or exchange.last or Decimal(0)) * US_MARKET_BUY_MARGIN

    def cancel(self, original: str, account: str, number: str, quantity: Decimal | None) -> Slip | No:
        """Cancel what is open of an order, or a part of it."""
        slip = self._open(original, account)
        if slip is None:
            return No("order_not_found")
        share = slip.open if quantity is None else min(quantity, slip.open)
        exchange = self._book(slip)
        left = exchange.cancel(original) - share
        if left > 0:
            self._wait_again(slip, left)
        slip.canceled += share
        child = self._note(slip, number, "cancel", share, slip.price)
        self.tell(Notice(child, "canceled", share))
        return child

    def change(self, original: str, account: str, number: str, quantity: Decimal | None, price: Decimal) -> Slip | No:
        """Change an order: what is open moves to a slip with a new number."""
        slip = self._open(original, account)
        if slip is None:
            return No("order_not_found")
        share = slip.open if quantity is None else quantity
        if share > slip.open and not self.where.changes_whole:
            return No("quantity_grows")
        exchange = self._book(slip)
        if refusal := exchange.rules.refuse_price(price) if slip.limit else None:
            return No(refusal.code)
        open_before = exchange.cancel(original)
        rest = Decimal(0) if self.where.changes_whole else open_before - share
        slip.moved += open_before - rest
        if rest > 0:
            self._wait_again(slip, rest)
        child = self._note(slip, number, "change", share, price)
        self.tell(Notice(child, "changed", share))
        limit = price if slip.limit else None
        outcome = exchange.enter(Order(number, slip.side, share, limit, slip.time_in_force, account))
        if isinstance(outcome, Outcome):
            self._settle(outcome)
        return child

    def is_at(self, number: str, venue: str) -> bool:
        """Whether an order was placed for this venue, which changes and cancels have to name again."""
        slip = self.slips.get(number)
        return slip is not None and slip.venue == venue

    def _wait_again(self, slip: Slip, left: Decimal) -> None:
        limit = slip.price if slip.limit else None
        order = Order(slip.number, slip.side, left, limit, slip.time_in_force, slip.account)
        self._book(slip).enter(order)

    def _open(self, number: str, account: str) -> Slip | None:
        slip = self.slips.get(number)
        return slip if slip is not None and slip.account == account and slip.open else None

    def _note(self, slip: Slip, number: str, action: Action, quantity: Decimal, price: Decimal) -> Slip:
        child = Slip(
            number=number,
            original=slip.number,
            account=slip.account,
            symbol=slip.symbol,
            side=slip.side,
            kind=slip.kind,
            quantity=quantity,
            price=price,
            at=self.clock(),
            limit=slip.limit,
            time_in_force=slip.time_in_force,
            venue=slip.venue,
            went_to=slip.went_to,
            action=action,
        )
        if action == "cancel":
            child.canceled = quantity
        self.slips[number] = child
        return child

    def next_number(self) -> str:
        """The next number, counted up from each morning."""
        self._count += 1
        return self.where.number(self._count)

    def new_day(self) -> None:
        """Begin to count again; the slips of earlier days keep their numbers, under their day."""
        if not self.where.counts_anew:
            return
        day = f"{self.clock().astimezone(self.where.zone):%Y%m%d}"
        self.slips = {f"{day}<{number}": slip for number, slip in self.slips.items()}
        self._count = 0

    def _settle(self, outcome: Outcome) -> None:
        for key, price, quantity in outcome.fills:
            slip = self.slips[key]
            slip.filled += quantity
            slip.amount += quantity * price
            self._pay(slip, price, quantity)
            self._write(slip.symbol, price, quantity)
            dealt = Dealt(len(self.dealt) + 1, slip, price, quantity, self.clock())
            self.dealt.append(dealt)
            self.tell(Notice(slip, "dealt", quantity, dealt))
        for key, reason, quantity in outcome.ended:
            slip = self.slips[key]
            if reason == "expired":
                slip.expired += quantity
            else:
                slip.canceled += quantity
            self.tell(Notice(slip, "expired" if reason == "expired" else "canceled", quantity))

    def _write(self, symbol: str, price: Decimal, quantity: Decimal) -> None:
        tick = Tick(self.clock(), price, quantity)
        self.tape.add(symbol, tick)
        self.print(symbol, tick)

    def _pay(self, slip: Slip, price: Decimal, quantity: Decimal) -> None:
        rules, sign = self.exchanges[slip.symbol].rules, 1 if slip.side == "buy" else -1
        trade = Trade(market_of(rules.board), rules.board, "stock", slip.side, quantity, price, rules.on)
        account = self.account(slip.account)
        held, paid = account.shares.get(slip.symbol, Decimal(0)), account.cost.get(slip.symbol, Decimal(0))
        account.cash -= sign * price * quantity + fees_for(trade).total
        account.cost[slip.symbol] = paid + price * quantity if sign > 0 else paid - (paid / held) * quantity
        account.shares[slip.symbol] = held + sign * quantity
