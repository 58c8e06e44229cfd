"""Double entry: every movement of money as postings that sum to zero; a balance is what its books add up to.

`cash` and `held` are the money itself, free and set aside; `shares` is what positions cost; `deposits` is the outside
world. A buy's fee is part of what the shares cost. A sale's fee and tax are posted apart, and `gains` is what the sale
brought over cost before them: realised profit is -(gains + fees + taxes).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from quant.markets.listing import Currency

from trading.domain.order import Order
from trading.domain.request import AccountId, Execution

ZERO: Final = Decimal(0)

Movement = Literal["deposit", "hold", "release", "buy", "sell"]


class Book(StrEnum):
    """The pages of an account's ledger."""

    CASH = "cash"
    HELD = "held"
    SHARES = "shares"
    FEES = "fees"
    TAXES = "taxes"
    GAINS = "gains"
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

    def total(self, book: Book) -> Decimal:
        """What this transaction adds to a book."""
        return sum((posting.amount for posting in self.postings if posting.book is book), ZERO)


def deposit(account_id: AccountId, currency: Currency, amount: Decimal, deposit_id: UUID, at: datetime) -> Transaction:
    """Money comes in from outside."""
    postings = _postings((Book.CASH, amount), (Book.DEPOSITS, -amount))
    return Transaction(f"deposit:{deposit_id}", "deposit", account_id, currency, postings, at)


def hold(order: Order) -> Transaction:
    """A buy is submitted: its cash is set aside."""
    postings = _postings((Book.CASH, -order.held), (Book.HELD, order.held))
    return Transaction(f"hold:{order.id}", "hold", order.account_id, order.currency, postings, order.created_at)


def release(order: Order, amount: Decimal) -> Transaction:
    """A buy has ended unfilled: what is still set aside becomes free again."""
    postings = _postings((Book.HELD, -amount), (Book.CASH, amount))
    return Transaction(f"release:{order.id}", "release", order.account_id, order.currency, postings, order.updated_at)


def bought(order: Order, execution: Execution, released: Decimal) -> Transaction:
    """A buy is filled: paid from what was set aside; the difference goes to, or comes from, free cash."""
    cost = execution.value + execution.fee + execution.tax
    postings = _postings((Book.HELD, -released), (Book.CASH, released - cost), (Book.SHARES, cost))
    return _execution(order, execution, "buy", postings)


def sold(order: Order, execution: Execution, cost: Decimal) -> Transaction:
    """A sale is filled; `cost` is what the sold shares had cost."""
    postings = _postings(
        (Book.CASH, execution.value - execution.fee - execution.tax),
        (Book.SHARES, -cost),
        (Book.FEES, execution.fee),
        (Book.TAXES, execution.tax),
        (Book.GAINS, cost - execution.value),
    )
    return _execution(order, execution, "sell", postings)


def _execution(order: Order, execution: Execution, movement: Movement, postings: tuple[Posting, ...]) -> Transaction:
    key = f"execution:{execution.execution_id}"
    return Transaction(key, movement, order.account_id, order.currency, postings, order.updated_at)


def _postings(*lines: tuple[Book, Decimal]) -> tuple[Posting, ...]:
    return tuple(Posting(book, amount) for book, amount in lines if amount != ZERO)
