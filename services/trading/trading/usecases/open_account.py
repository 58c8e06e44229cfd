"""Open a paper account, with its first cash: at the simulator, or at the broker of a connection."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import record
from quant.markets.listing import Currency

from trading.domain import ledger as movements
from trading.domain.account import SIMULATOR, Account, AccountKind
from trading.domain.request import AccountId
from trading.errors import AccountLimit, ConnectionNotFound, ConnectionTaken, LiveNotPermitted
from trading.events import AccountOpened, BalanceChanged
from trading.store import accounts, connections, ledger

ACCOUNTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An account as asked for."""

    id: AccountId
    name: str
    kind: AccountKind
    currency: Currency
    initial_cash: Decimal
    connection_id: UUID | None = None


async def open_account(session: Session, owner: UUID, opening: Opening, now: datetime) -> Account:
    """Open an account; its first cash is its first deposit."""
    if opening.kind != "paper":
        raise LiveNotPermitted("Open a paper account: orders with real money are not sent yet.")
    if await accounts.lock_count(session, owner) >= ACCOUNTS_MAX:
        raise AccountLimit(f"One may have {ACCOUNTS_MAX} accounts.")
    broker = await _broker(session, owner, opening)
    account = Account(
        id=opening.id,
        name=opening.name,
        kind=opening.kind,
        currency=opening.currency,
        trading_halted=False,
        created_at=now,
        broker=broker,
        connection_id=opening.connection_id,
    )
    await accounts.save(session, owner, account)
    await ledger.save_opening(session, owner, account.id, account.currency)
    opened = AccountOpened(
        account_id=account.id, kind=account.kind, name=account.name, connection_id=account.connection_id
    )
    if not opening.initial_cash:
        await record(session, opened, owner=owner)
        return account
    first = movements.deposit(account.id, account.currency, opening.initial_cash, account.id, now)
    balance = await ledger.save(session, owner, first)
    await record(session, opened, BalanceChanged.of(balance), owner=owner)
    return account


async def _broker(session: Session, owner: UUID, opening: Opening) -> str:
    """The broker of the connection an account is to be bound to; the owner's accounts are locked."""
    if opening.connection_id is None:
        return SIMULATOR
    connection = await connections.find(session, owner, opening.connection_id)
    if connection is None:
        raise ConnectionNotFound(
            "You have no such connection: GET /broker/connections lists yours. One that was made just now"
            " is known here after a moment: try again."
        )
    if connection.environment != "paper":
        raise LiveNotPermitted("A paper account is bound to a paper connection: orders with real money are not sent.")
    if (taken_by := await connections.find_account(session, owner, connection.id)) is not None:
        raise ConnectionTaken(f"Your account {taken_by} is bound to this connection: use that one.")
    return connection.broker
