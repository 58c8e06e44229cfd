"""Begin a paper account anew: everything leaves it by entries of its own, and its history stays."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import Event, record
from quant.markets.listing import Currency

from trading.domain import ledger as movements
from trading.domain.account import Account
from trading.domain.history import Adjusted
from trading.domain.ledger import Book
from trading.domain.position import Position
from trading.domain.request import AccountId
from trading.domain.settlement import due, local_day, settlement
from trading.errors import AccountNotFound, NotPaper, OrdersOpen
from trading.events import AccountReset, BalanceChanged, PositionChanged
from trading.store import accounts, history, ledger, orders, positions, unsettled

POSITIONS_MAX = 5_000
"""Positions of one account, those sold out included: more than there are instruments to trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """A reset as asked for: its id, and the cash to begin with."""

    id: UUID
    account_id: AccountId
    initial_cash: Decimal


async def reset_account(session: Session, owner: UUID, reset: Reset, now: datetime) -> Account:
    """Empty every book and every position of a paper account, then put the first cash in."""
    account = await accounts.lock(session, owner, reset.account_id)
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    if account.kind != "paper":
        raise NotPaper("Only a paper account can begin anew: a live one has what its broker shows.")
    if await orders.find_any_open(session, owner, account.id):
        raise OrdersOpen("Cancel the account's open orders first, and wait until the broker has confirmed it.")
    await _settle_everything(session, owner, account.id, now)
    facts = await _empty_positions(session, owner, reset, now)
    facts += await _empty_books(session, owner, reset, now)
    if reset.initial_cash:
        first = movements.deposit(account.id, account.currency, reset.initial_cash, reset.id, now)
        facts.append(BalanceChanged.of(await ledger.save(session, owner, first)))
    await accounts.save_reset(session, owner, account.id, now)
    await record(session, AccountReset(account_id=account.id, initial_cash=reset.initial_cash), *facts, owner=owner)
    return account


async def _settle_everything(session: Session, owner: UUID, account_id: AccountId, now: datetime) -> None:
    pending = await unsettled.list_pending(session, owner, account_id)
    for item in due(pending, max((item.settles_on for item in pending), default=None)):
        await ledger.save(session, owner, settlement(item, now))
        await unsettled.delete_settled(session, owner, item)


async def _empty_positions(session: Session, owner: UUID, reset: Reset, now: datetime) -> list[Event]:
    facts: list[Event] = []
    found = await positions.list_all(session, owner, positions_max=POSITIONS_MAX, account_id=reset.account_id)
    for position in found:
        if not (position.quantity or position.realized_profit):
            continue
        entry = _out_of(position, now)
        written = (f"reset:{reset.id}:{position.symbol}", now)
        await history.save_entry(session, owner, reset.account_id, entry, written)
        emptied = position.adjusted(entry.quantity, entry.cost, entry.realized_profit)
        await positions.save(session, owner, emptied)
        facts.append(PositionChanged.of(emptied))
    return facts


def _out_of(position: Position, now: datetime) -> Adjusted:
    return Adjusted(
        booked=0,
        symbol=position.symbol,
        market=position.market,
        currency=position.currency,
        movement="reset",
        quantity=-position.quantity,
        cost=-position.cost,
        realized_profit=-position.realized_profit,
        ratio=None,
        on=local_day(position.currency, now),
    )


async def _empty_books(session: Session, owner: UUID, reset: Reset, now: datetime) -> list[Event]:
    """Carry every book but the outside world's to nothing, against it."""
    facts: list[Event] = []
    for currency, books in (await ledger.list_books(session, owner, reset.account_id)).items():
        amounts: dict[Book, Decimal] = {book: -total for book, total in books.items() if book is not Book.DEPOSITS}
        amounts[Book.DEPOSITS] = -sum(amounts.values(), Decimal(0))
        if not any(amounts.values()):
            continue
        cash: tuple[AccountId, Currency] = (reset.account_id, currency)
        movement = movements.moved(f"reset:{reset.id}", "reset", cash, amounts, now)
        facts.append(BalanceChanged.of(await ledger.save(session, owner, movement)))
    return facts
