"""Open a paper account, with its first cash."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import record
from quant.markets.listing import Currency

from trading.domain import ledger as movements
from trading.domain.account import Account, AccountKind
from trading.domain.request import AccountId
from trading.errors import AccountLimit, LiveNotPermitted
from trading.events import AccountOpened, BalanceChanged
from trading.store import accounts, ledger

ACCOUNTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An account as asked for."""

    id: AccountId
    name: str
    kind: AccountKind
    currency: Currency
    initial_cash: Decimal


async def open_account(session: Session, owner: UUID, opening: Opening, now: datetime) -> Account:
    """Open an account; its first cash is its first deposit."""
    if opening.kind != "paper":
        raise LiveNotPermitted("Open a paper account: live accounts need a broker connection, which comes later.")
    if await accounts.lock_count(session, owner) >= ACCOUNTS_MAX:
        raise AccountLimit(f"One may have {ACCOUNTS_MAX} accounts.")
    account = Account(
        id=opening.id,
        name=opening.name,
        kind=opening.kind,
        currency=opening.currency,
        trading_halted=False,
        created_at=now,
    )
    await accounts.save(session, owner, account)
    await ledger.save_opening(session, owner, account.id, account.currency)
    opened = AccountOpened(account_id=account.id, kind=account.kind, name=account.name)
    if not opening.initial_cash:
        await record(session, opened, owner=owner)
        return account
    first = movements.deposit(account.id, account.currency, opening.initial_cash, account.id, now)
    balance = await ledger.save(session, owner, first)
    await record(session, opened, BalanceChanged.of(balance), owner=owner)
    return account
