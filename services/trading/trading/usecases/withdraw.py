"""Take money out of an account: settled money only."""

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
from trading.domain.settlement import forecast, local_day
from trading.errors import AccountNotFound, NotPaper, NotWithdrawable
from trading.events import BalanceChanged
from trading.store import accounts, ledger, unsettled


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Money as it is to go out."""

    id: UUID
    account_id: AccountId
    currency: Currency
    amount: Decimal


async def withdraw(session: Session, owner: UUID, money: Withdrawal, now: datetime) -> Balance:
    """Take cash out; what trades still owe, what open buys hold and what sales have not brought yet has to stay."""
    account = await accounts.lock(session, owner, money.account_id)
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    if account.kind != "paper":
        raise NotPaper("Real money moves at the broker alone: what happens there shows here after the next reading.")
    balance = await accounts.find_balance(session, owner, money.account_id, money.currency)
    pending = await unsettled.list_pending(session, owner, money.account_id, money.currency)
    outlook = forecast(balance, pending, local_day(money.currency, now))
    if money.amount > outlook.withdrawable:
        raise NotWithdrawable(
            f"{outlook.withdrawable:f} {money.currency} can be withdrawn now; proceeds of sales can once they settle."
        )
    movement = movements.withdrawal(money.account_id, money.currency, money.amount, money.id, now)
    after = await ledger.save(session, owner, movement)
    await record(session, BalanceChanged.of(after), owner=owner)
    return after
