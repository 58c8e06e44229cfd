"""Double entry: every movement of money as postings that sum to zero; a balance is what its books add up to.

`cash` and `held` are the settled money itself, free and set aside; `receivable` is what sales will bring and `payable`
(negative) what buys still owe, each until its settlement date. A new order may use `cash + receivable + payable`, since
what it buys is paid no sooner than that; a withdrawal may not. `shares` is what positions cost; `deposits` is the
outside world. A buy's fee is part of what the shares cost. A sale's fee and tax are posted apart, and `gains` is what
the sale brought over cost before them: realised profit is -(gains + fees + taxes).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from quant.markets.listing import Currency

from trading.domain.account import Balance
from trading.domain.order import Order
from trading.domain.request import AccountId, Execution

ZERO: Final = Decimal(0)

Movement = Literal[
    "deposit",
    "withdrawal",
    "hold",
    "release",
    "buy",
    "sell",
    "settle",
    "dividend",
    "cash_in_lieu",
    "correction",
    "reset",
]


class Book(StrEnum):
    """The pages of an account's ledger."""

    CASH = "cash"
    HELD = "held"
    RECEIVABLE = "receivable"
    PAYABLE = "payable"
    SHARES = "shares"
    FEES = "fees"
    TAXES = "taxes"
    GAINS = "gains"
    DIVIDENDS = "dividends"
    WITHHOLDING = "withholding"
    CORRECTIONS = "corrections"
    DEPOSITS = "deposits"


class Unbalanced(Exception):
    """Money would appear or vanish: a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: more in this book when positive, less when negative; never nothing."""

    book: Book
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Transaction:
    """Postings of one movement in one currency. Its key says what moved it, and exists once: nothing moves twice."""

    key: str
    movement: Movement
    account_id: AccountId
    currency: Currency
    postings: tuple[Posting, ...]
    at: datetime

    def __post_init__(self) -> None:
        if sum((posting.amount for posting in self.postings), ZERO) != ZERO:
            raise Unbalanced(f"{self.key}: {self.postings}")

    def total(self, *books: Book) -> Decimal:
        """What this transaction adds to one book, or to several together."""
        return sum((posting.amount for posting in self.postings if posting.book in books), ZERO)

    @property
    def available(self) -> Decimal:
        """What it adds to the money a new order may use."""
        return self.total(Book.CASH, Book.RECEIVABLE, Book.PAYABLE)


def deposit(account_id: AccountId, currency: Currency, amount: Decimal, deposit_id: UUID, at: datetime) -> Transaction:
    """Money comes in from outside."""
    postings = _postings((Book.CASH, amount), (Book.DEPOSITS, -amount))
    return Transaction(f"deposit:{deposit_id}", "deposit", account_id, currency, postings, at)


def withdrawal(
    account_id: AccountId, currency: Currency, amount: Decimal, withdrawal_id: UUID, at: datetime
) -> Transaction:
    """Settled money goes out."""
    postings = _postings((Book.CASH, -amount), (Book.DEPOSITS, amount))
    return Transaction(f"withdrawal:{withdrawal_id}", "withdrawal", account_id, currency, postings, at)


def hold(order: Order) -> Transaction:
    """A buy is submitted: its cash is set aside."""
    postings = _postings((Book.CASH, -order.held), (Book.HELD, order.held))
    return Transaction(f"hold:{order.id}", "hold", order.account_id, order.currency, postings, order.created_at)


def release(order: Order, amount: Decimal) -> Transaction:
    """A buy has ended unfilled: what is still set aside becomes free again."""
    postings = _postings((Book.HELD, -amount), (Book.CASH, amount))
    return Transaction(f"release:{order.id}", "release", order.account_id, order.currency, postings, order.updated_at)


def bought(order: Order, execution: Execution, released: Decimal) -> Transaction:
    """A buy is filled: what was set aside for it is freed, and what it costs is owed until settlement."""
    cost = execution.value + execution.fee + execution.tax
    postings = _postings((Book.HELD, -released), (Book.CASH, released), (Book.PAYABLE, -cost), (Book.SHARES, cost))
    return _execution(order, execution, "buy", postings)


def sold(order: Order, execution: Execution, cost: Decimal) -> Transaction:
    """A sale is filled, and its proceeds arrive at settlement; `cost` is what the sold shares had cost."""
    net = execution.value - execution.fee - execution.tax
    postings = _postings(
        (Book.RECEIVABLE if net > ZERO else Book.PAYABLE, net),  # costs may exceed the price of a penny share
        (Book.SHARES, -cost),
        (Book.FEES, execution.fee),
        (Book.TAXES, execution.tax),
        (Book.GAINS, cost - execution.value),
    )
    return _execution(order, execution, "sell", postings)


def moved(
    key: str,
    movement: Movement,
    account: tuple[AccountId, Currency],
    amounts: Mapping[Book, Decimal],
    at: datetime,
) -> Transaction:
    """A movement given by its amounts; books that do not change are left out."""
    return Transaction(key, movement, *account, _postings(*amounts.items()), at)


def balance_after(balance: Balance, transaction: Transaction) -> Balance:
    """What a transaction makes of the balance of its account and currency."""
    return replace(
        balance,
        available=balance.available + transaction.available,
        held=balance.held + transaction.total(Book.HELD),
        unsettled_in=balance.unsettled_in + transaction.total(Book.RECEIVABLE),
        unsettled_out=balance.unsettled_out - transaction.total(Book.PAYABLE),
    )


def _execution(order: Order, execution: Execution, movement: Movement, postings: tuple[Posting, ...]) -> Transaction:
    key = f"execution:{execution.execution_id}"
    return Transaction(key, movement, order.account_id, order.currency, postings, order.updated_at)


def _postings(*lines: tuple[Book, Decimal]) -> tuple[Posting, ...]:
    return tuple(Posting(book, amount) for book, amount in lines if amount != ZERO)
