"""Open an account: on paper with its first cash, at the simulator or a broker; live as its broker shows it.

A live account begins empty. What is there comes from the broker's first report, as entries of their own
(reconcile_account), so that its ledger proves itself like any other.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import record
from quant.markets.listing import Currency

from trading.domain import ledger as movements
from trading.domain.account import ENVIRONMENT_OF, SIMULATOR, Account, AccountKind
from trading.domain.request import AccountId
from trading.errors import AccountLimit, ConnectionNotFound, ConnectionTaken, LiveNotPermitted
from trading.events import AccountOpened, BalanceChanged
from trading.store import accounts, connections, ledger, rights

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
    permitted_at: datetime | None = None
    """When a token proved that the owner may trade with real money: wanted for a live account."""


async def open_account(session: Session, owner: UUID, opening: Opening, now: datetime) -> Account:
    """Open an account; the first cash of a paper one is its first deposit."""
    if opening.kind == "live":
        await _require_permission(session, owner, opening)
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


async def _require_permission(session: Session, owner: UUID, opening: Opening) -> None:
    """Ask for the permission, and remember it: orders that come by themselves later are asked by what is remembered."""
    if opening.permitted_at is not None:
        await rights.save(session, owner, rights.Rights(live=True, told_at=opening.permitted_at))
    if opening.permitted_at is None or not await rights.may_trade_live(session, owner):
        raise LiveNotPermitted("You may not trade with real money: ask the operator for the permission.")
    if opening.initial_cash:
        raise LiveNotPermitted("A live account begins with what its broker shows: leave initial_cash out.")


async def _broker(session: Session, owner: UUID, opening: Opening) -> str:
    """The broker of the connection an account is to be bound to; the owner's accounts are locked."""
    if opening.connection_id is None:
        if opening.kind == "live":
            raise LiveNotPermitted("A live account is bound to a connection with environment real: name one.")
        return SIMULATOR
    connection = await connections.find(session, owner, opening.connection_id)
    if connection is None:
        raise ConnectionNotFound(
            "You have no such connection: GET /broker/connections lists yours. One that was made just now"
            " is known here after a moment: try again."
        )
    if connection.environment != ENVIRONMENT_OF[opening.kind]:
        raise LiveNotPermitted(
            f"A {opening.kind} account is bound to a connection with environment {ENVIRONMENT_OF[opening.kind]};"
            f" this one is {connection.environment}. The two are never mixed."
        )
    if (taken_by := await connections.find_account(session, owner, connection.id)) is not None:
        raise ConnectionTaken(f"Your account {taken_by} is bound to this connection: use that one.")
    return connection.broker
