"""Accounts: open, look, put money in, read the ledger."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.idempotency import IdempotentRoute
from kit.ids import new_id
from kit.money import Money
from kit.pagination import Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from quant.markets.listing import Currency, minor_unit

from trading.api.cursors import id_of, position_of
from trading.api.types import Amount
from trading.domain.account import Account, AccountKind
from trading.domain.ledger import Book, Movement
from trading.domain.request import AccountId
from trading.errors import AccountLimit, AccountNotFound, CashLimit, LiveNotPermitted
from trading.store import accounts, ledger
from trading.usecases.deposit import CASH_MAX, Deposit, deposit
from trading.usecases.open_account import Opening, open_account

NAME_LENGTH_MAX = 60

router = APIRouter(
    prefix="/api/v1/trading/accounts", tags=["trading"], responses=AUTHENTICATED, route_class=IdempotentRoute
)

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00]*$")
]


def _payable(amount: Decimal, currency: Currency) -> None:
    if amount % minor_unit(currency) != 0:
        raise ValueError(f"the smallest amount of {currency} is {minor_unit(currency)}")


class OpenAccount(BaseModel):
    """A new account. `initial_cash` is its first deposit."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    kind: AccountKind = "paper"
    currency: Currency = "KRW"
    initial_cash: Annotated[Money, Field(ge=0, le=CASH_MAX)] = Decimal(0)

    @model_validator(mode="after")
    def _cash_is_payable(self) -> "OpenAccount":
        _payable(self.initial_cash, self.currency)
        return self


class DepositCash(BaseModel):
    """Money to put into an account."""

    model_config = ConfigDict(extra="forbid")

    currency: Currency = "KRW"
    amount: Amount

    @model_validator(mode="after")
    def _amount_is_payable(self) -> "DepositCash":
        _payable(self.amount, self.currency)
        return self


class AccountShown(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    kind: AccountKind
    currency: Currency
    trading_halted: bool
    created_at: datetime


class BalanceShown(BaseModel):
    """Cash of one currency: all of it, what open buys hold, and what is free."""

    model_config = ConfigDict(from_attributes=True)

    currency: Currency
    cash: Money
    held: Money
    available: Money


class BalancesShown(BaseModel):
    """The cash of an account, by currency."""

    items: list[BalanceShown]


class EntryShown(BaseModel):
    """A line of the ledger. The lines of one transaction sum to zero."""

    model_config = ConfigDict(from_attributes=True)

    transaction_key: str
    movement: Movement
    book: Book
    currency: Currency
    amount: Money
    occurred_at: datetime


@router.post("", status_code=201, responses=responses(AccountLimit, LiveNotPermitted))
async def post_account(body: OpenAccount, session: OwnedSession, user: CurrentUser) -> AccountShown:
    """Open a paper account."""
    opening = Opening(
        id=AccountId(new_id()),
        name=body.name,
        kind=body.kind,
        currency=body.currency,
        initial_cash=body.initial_cash,
    )
    return AccountShown.model_validate(await open_account(session, user.user_id, opening, now()))


@router.get("")
async def get_accounts(session: OwnedSession, user: CurrentUser, page: PageRequest) -> Page[AccountShown]:
    """List accounts, newest first."""
    before = id_of(page.cursor)
    found = await accounts.list_page(session, user.user_id, before=before, limit=page.limit + 1)
    more = encode_cursor(str(found[page.limit - 1].id)) if len(found) > page.limit else None
    return Page(items=[AccountShown.model_validate(account) for account in found[: page.limit]], next_cursor=more)


@router.get("/{account_id}", responses=responses(AccountNotFound))
async def get_account(account_id: UUID, session: OwnedSession, user: CurrentUser) -> AccountShown:
    """Show an account."""
    return AccountShown.model_validate(await _own(session, user.user_id, account_id))


@router.get("/{account_id}/balance", responses=responses(AccountNotFound))
async def get_balance(account_id: UUID, session: OwnedSession, user: CurrentUser) -> BalancesShown:
    """Show an account's cash, by currency."""
    account = await _own(session, user.user_id, account_id)
    found = await accounts.list_balances(session, user.user_id, account.id)
    return BalancesShown(items=[BalanceShown.model_validate(balance) for balance in found])


@router.post("/{account_id}/deposits", status_code=201, responses=responses(AccountNotFound, CashLimit))
async def post_deposit(account_id: UUID, body: DepositCash, session: OwnedSession, user: CurrentUser) -> BalanceShown:
    """Put paper money into an account; the answer is the balance after it."""
    money = Deposit(id=new_id(), account_id=AccountId(account_id), currency=body.currency, amount=body.amount)
    return BalanceShown.model_validate(await deposit(session, user.user_id, money, now()))


@router.get("/{account_id}/ledger", responses=responses(AccountNotFound))
async def get_ledger(account_id: UUID, session: OwnedSession, user: CurrentUser, page: PageRequest) -> Page[EntryShown]:
    """List an account's ledger entries, newest first."""
    account = await _own(session, user.user_id, account_id)
    before = position_of(page.cursor)
    found = await ledger.list_page(session, user.user_id, account.id, before=before, limit=page.limit + 1)
    more = encode_cursor(found[page.limit - 1].position) if len(found) > page.limit else None
    return Page(items=[EntryShown.model_validate(entry) for entry in found[: page.limit]], next_cursor=more)


async def _own(session: OwnedSession, owner: UUID, account_id: UUID) -> Account:
    account = await accounts.find(session, owner, AccountId(account_id))
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    return account
