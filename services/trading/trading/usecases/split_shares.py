"""Book a share split: more or fewer shares at the same cost; what is left of a share is paid out."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from kit.db import Session
from kit.events import Event, record
from quant.markets.listing import minor_unit

from trading.domain import ledger as movements
from trading.domain.history import Adjusted, PositionMovement
from trading.domain.ledger import Book
from trading.domain.position import Position
from trading.domain.request import AccountId
from trading.errors import AccountNotFound, OrdersOpen
from trading.events import BalanceChanged, PositionChanged
from trading.store import accounts, history, ledger, orders, positions

WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """`ratio` new shares for one old: 50 for a 50:1 split, 0.1 when ten become one. A fraction is paid at `price`."""

    id: str
    symbol: str
    ratio: Decimal
    price: Decimal
    on: date


async def split_shares(
    session: Session, owner: UUID, account_id: AccountId, split: Split, now: datetime
) -> Position | None:
    """Apply a split to what an account holds. None when it holds none, or when it was applied before.

    Raises:
        OrdersOpen: an order of before the split would mean something else after it.
    """
    if await accounts.lock(session, owner, account_id) is None:
        raise AccountNotFound("There is no account of this id.")
    before = await positions.find(session, owner, account_id, split.symbol)
    entry_id = f"split:{account_id}:{split.id}"
    if before is None or not before.quantity or await history.find_written(session, owner, entry_id):
        return None
    if await orders.find_any_open(session, owner, account_id, split.symbol):
        raise OrdersOpen(f"There are open orders of {split.symbol}: they have to be canceled before its split.")
    more = before.quantity * split.ratio - before.quantity
    entry = _entry(before, split, "split", more, Decimal(0), Decimal(0))
    await history.save_entry(session, owner, account_id, entry, (entry_id, now))
    whole, facts = await _without_fraction(session, owner, before.adjusted(more, Decimal(0), Decimal(0)), split, now)
    await positions.save(session, owner, whole)
    await record(session, *facts, PositionChanged.of(whole), owner=owner)
    return whole


async def _without_fraction(
    session: Session, owner: UUID, position: Position, split: Split, now: datetime
) -> tuple[Position, list[Event]]:
    """Sell what is less than a share to the company: no exchange, no fee, no tax, money at once."""
    fraction = position.quantity % WHOLE
    if not fraction:
        return position, []
    paid = (fraction * split.price).quantize(minor_unit(position.currency), rounding=ROUND_DOWN)
    whole = position.sold(fraction, paid)
    cost = position.cost - whole.cost
    key = f"cash_in_lieu:{position.account_id}:{split.id}"
    entry = _entry(position, split, "cash_in_lieu", -fraction, -cost, paid - cost)
    await history.save_entry(session, owner, position.account_id, entry, (key, now))
    if not (paid or cost):
        return whole, []
    amounts = {Book.CASH: paid, Book.SHARES: -cost, Book.GAINS: cost - paid}
    movement = movements.moved(key, "cash_in_lieu", (position.account_id, position.currency), amounts, now)
    return whole, [BalanceChanged.of(await ledger.save(session, owner, movement))]


def _entry(
    position: Position, split: Split, movement: PositionMovement, quantity: Decimal, cost: Decimal, profit: Decimal
) -> Adjusted:
    return Adjusted(
        booked=0,
        symbol=position.symbol,
        market=position.market,
        currency=position.currency,
        movement=movement,
        quantity=quantity,
        cost=cost,
        realized_profit=profit,
        ratio=split.ratio if movement == "split" else None,
        on=split.on,
    )
