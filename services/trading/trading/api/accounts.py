"""Accounts: open, look, put money in, read the ledger."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, Forbidden, StepUpRequired, responses
from kit.ids import new_id
from kit.money import Money
from kit.pagination import Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from quant.markets.listing import Currency, minor_unit

from trading.api.cursors import id_of, position_of
from trading.api.idempotency import IdempotentRoute
from trading.api.live import require_live
from trading.api.types import Amount, OpenResources
from trading.domain.account import Account, AccountKind, Balance
from trading.domain.ledger import Book, Movement
from trading.domain.request import AccountId
from trading.domain.settlement import forecast, local_day, market_day
from trading.errors import (
    AccountLimit,
    AccountNotFound,
    CashLimit,
    ConnectionNotFound,
    ConnectionTaken,
    LiveNotPermitted,
    NotPaper,
    NotPayable,
    NotWithdrawable,
    OrdersOpen,
)
from trading.store import accounts, executions, ledger, unsettled
from trading.usecases.deposit import CASH_MAX, Deposit, deposit
from trading.usecases.open_account import Opening, open_account
from trading.usecases.reset_account import Reset, reset_account
from trading.usecases.withdraw import Withdrawal, withdraw

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
    """A new account. `initial_cash` is its first deposit.

    With a `connection_id` its orders go to that connection's broker; without one, to the simulator. This never changes.
    A live one wants a connection with environment `real`, the permission `real`, a proof of the last five minutes and
    the operator's switch. It has no `initial_cash`: cash and positions are what its broker shows.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name
    kind: AccountKind = "paper"
    currency: Currency = "KRW"
    initial_cash: Annotated[Money, Field(ge=0, le=CASH_MAX)] = Decimal(0)
    connection_id: UUID | None = None

    @model_validator(mode="after")
    def _cash_is_payable(self) -> "OpenAccount":
        _payable(self.initial_cash, self.currency)
        return self


class MoveCash(BaseModel):
    """Money to put into an account, or to take out of it."""

    model_config = ConfigDict(extra="forbid")

    currency: Currency = "KRW"
    amount: Amount

    @model_validator(mode="after")
    def _amount_is_payable(self) -> "MoveCash":
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
    broker: str
    connection_id: UUID | None


class ResetAccount(BaseModel):
    """A new beginning for a paper account, with its first cash."""

    model_config = ConfigDict(extra="forbid")

    initial_cash: Annotated[Money, Field(ge=0, le=CASH_MAX)] = Decimal(0)


class BalanceShown(BaseModel):
    """Cash of one currency: all of it, what open buys hold, what is free, and what trades will still bring or take."""

    model_config = ConfigDict(from_attributes=True)

    currency: Currency
    cash: Money
    held: Money
    available: Money
    unsettled_in: Money
    unsettled_out: Money


class UnsettledShown(BaseModel):
    """What settles on one date."""

    model_config = ConfigDict(from_attributes=True)

    settles_on: date
    incoming: Money
    outgoing: Money


class OutlookShown(BalanceShown):
    """Cash of one currency and how it settles: `settled` is there today (D), then D+1, then D+2 when all is settled.

    `available` is what new orders may use; `withdrawable` what may leave. `market_day` is the exchange's, on paper the
    day that was traded last.
    """

    market_day: date
    settled: Money
    settled_next_day: Money
    settled_in_the_end: Money
    withdrawable: Money
    pending: list[UnsettledShown]


class BalancesShown(BaseModel):
    """The cash of an account, by currency."""

    items: list[OutlookShown]


class EntryShown(BaseModel):
    """A line of the ledger. The lines of one transaction sum to zero."""

    model_config = ConfigDict(from_attributes=True)

    transaction_key: str
    movement: Movement
    book: Book
    currency: Currency
    amount: Money
    occurred_at: datetime


@router.post(
    "",
    status_code=201,
    responses=responses(AccountLimit, LiveNotPermitted, StepUpRequired, ConnectionNotFound, ConnectionTaken),
)
async def post_account(
    body: OpenAccount, session: OwnedSession, user: CurrentUser, resources: OpenResources
) -> AccountShown:
    """Open an account: on paper at the simulator or one of your brokers, or live at a broker."""
    if body.kind == "live":
        require_live(user, resources)
    elif "paper" not in user.permissions:
        raise Forbidden("You may not trade with paper money here: ask the operator for the permission.")
    opening = Opening(
        id=AccountId(new_id()),
        name=body.name,
        kind=body.kind,
        currency=body.currency,
        initial_cash=body.initial_cash,
        connection_id=body.connection_id,
        permitted_at=user.authenticated_at if body.kind == "live" else None,
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
    return BalancesShown(items=[await _outlook(session, user.user_id, balance) for balance in found])


@router.post("/{account_id}/deposits", status_code=201, responses=responses(AccountNotFound, CashLimit, NotPaper))
async def post_deposit(account_id: UUID, body: MoveCash, session: OwnedSession, user: CurrentUser) -> BalanceShown:
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


@router.post(
    "/{account_id}/withdrawals", status_code=201, responses=responses(AccountNotFound, NotWithdrawable, NotPaper)
)
async def post_withdrawal(account_id: UUID, body: MoveCash, session: OwnedSession, user: CurrentUser) -> BalanceShown:
    """Take settled money out of an account; the answer is the balance after it."""
    money = Withdrawal(id=new_id(), account_id=AccountId(account_id), currency=body.currency, amount=body.amount)
    return BalanceShown.model_validate(await withdraw(session, user.user_id, money, now()))


@router.post("/{account_id}/reset", responses=responses(AccountNotFound, NotPaper, NotPayable, OrdersOpen))
async def post_reset(account_id: UUID, body: ResetAccount, session: OwnedSession, user: CurrentUser) -> AccountShown:
    """Begin a paper account anew: cash and positions leave it by entries of their own; its history stays."""
    account = await _own(session, user.user_id, account_id)
    if body.initial_cash % minor_unit(account.currency):
        raise NotPayable(f"The smallest amount of {account.currency} is {minor_unit(account.currency)}.")
    reset = Reset(id=new_id(), account_id=account.id, initial_cash=body.initial_cash)
    return AccountShown.model_validate(await reset_account(session, user.user_id, reset, now()))


async def _outlook(session: OwnedSession, owner: UUID, balance: Balance) -> OutlookShown:
    pending = await unsettled.list_pending(session, owner, balance.account_id, balance.currency)
    today = local_day(balance.currency, now())
    traded = await executions.find_newest_trade_date(session, owner, balance.account_id, balance.currency)
    outlook = forecast(
        balance, pending, market_day((item.replayed for item in pending), [traded] if traded else [], today) or today
    )
    return OutlookShown(
        **BalanceShown.model_validate(balance).model_dump(),
        market_day=outlook.day,
        settled=outlook.settled,
        settled_next_day=outlook.next_day,
        settled_in_the_end=outlook.all_settled,
        withdrawable=outlook.withdrawable,
        pending=[UnsettledShown.model_validate(item) for item in pending],
    )


async def _own(session: OwnedSession, owner: UUID, account_id: UUID) -> Account:
    account = await accounts.find(session, owner, AccountId(account_id))
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    return account
