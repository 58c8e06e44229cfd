"""Put paper money into an account."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import record
from quant.markets.listing import Currency

from trading.domain import ledger as movements
from trading.domain.account import Balance
from trading.domain.request import AccountId
from trading.errors import AccountNotFound, CashLimit, NotPaper
from trading.events import BalanceChanged
from trading.store import accounts, ledger

CASH_MAX = Decimal(100_000_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """Money as it comes in."""

    id: UUID
    account_id: AccountId
    currency: Currency
    amount: Decimal


async def deposit(session: Session, owner: UUID, money: Deposit, now: datetime) -> Balance:
    """Add cash to an account; the first deposit in a currency opens its balance."""
    account = await accounts.lock(session, owner, money.account_id)
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    if account.kind != "paper":
        raise NotPaper("Real money moves at the broker alone: what happens there shows here after the next reading.")
    await ledger.save_opening(session, owner, money.account_id, money.currency)
    movement = movements.deposit(money.account_id, money.currency, money.amount, money.id, now)
    balance = await ledger.save(session, owner, movement)
    if balance.cash > CASH_MAX:
        raise CashLimit(f"An account may hold {CASH_MAX} {money.currency}.")
    await record(session, BalanceChanged.of(balance), owner=owner)
    return balance
