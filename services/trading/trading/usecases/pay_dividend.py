"""Book a dividend of shares an account holds: gross, less what is withheld for the state."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import record
from quant.fees import dividend_after_tax

from trading.domain import ledger as movements
from trading.domain.ledger import Book
from trading.domain.request import AccountId
from trading.errors import AccountNotFound
from trading.events import BalanceChanged, DividendPaid
from trading.store import accounts, ledger, positions


@dataclass(frozen=True, slots=True, kw_only=True)
class Dividend:
    """A dividend as the company declared it. `id` is stable: the same dividend is paid once to each account."""

    id: str
    symbol: str
    per_share: Decimal
    paid_on: date


async def pay_dividend(
    session: Session, owner: UUID, account_id: AccountId, dividend: Dividend, now: datetime
) -> DividendPaid | None:
    """Pay a dividend on the shares that are held now. None when there are none, or when it was paid before."""
    if await accounts.lock(session, owner, account_id) is None:
        raise AccountNotFound("There is no account of this id.")
    position = await positions.find(session, owner, account_id, dividend.symbol)
    key = f"dividend:{account_id}:{dividend.id}"
    if position is None or not position.quantity or await ledger.find_written(session, owner, key):
        return None
    paid = dividend_after_tax(position.market, position.quantity * dividend.per_share)
    if not paid.gross:
        return None
    amounts = {Book.CASH: paid.net, Book.WITHHOLDING: paid.tax, Book.DIVIDENDS: -paid.gross}
    movement = movements.moved(key, "dividend", (account_id, position.currency), amounts, now)
    balance = await ledger.save(session, owner, movement)
    fact = DividendPaid(
        account_id=account_id,
        symbol=position.symbol,
        quantity=position.quantity,
        currency=position.currency,
        gross=paid.gross,
        tax=paid.tax,
        paid_on=dividend.paid_on,
    )
    await record(session, fact, BalanceChanged.of(balance), owner=owner)
    return fact
