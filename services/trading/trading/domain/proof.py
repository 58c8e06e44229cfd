"""The proof of an account: what it should have, rebuilt from its first entry, against what is stored.

Both sides are statements: lines of a name and an amount. Equal statements have equal hashes; unequal ones are told
apart line by line, so that a human sees at once what is wrong.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from quant.markets.listing import Currency

from trading.domain.account import Balance
from trading.domain.ledger import Book
from trading.domain.position import Position
from trading.domain.request import AccountId
from trading.domain.settlement import Unsettled

ZERO: Final = Decimal(0)
Statement = Mapping[str, Decimal]
Books = Mapping[Currency, Mapping[Book, Decimal]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One line on which the two sides disagree."""

    what: str
    rebuilt: Decimal
    stored: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came out for one account. `faults` are sentences about things that no line can show."""

    owner: UUID
    account_id: AccountId
    entries: int
    rebuilt_hash: str
    stored_hash: str
    differences: tuple[Difference, ...]
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether everything agrees."""
        return self.rebuilt_hash == self.stored_hash and not (self.differences or self.faults)


def rebuilt(books: Books, positions: Iterable[Position], held: Mapping[tuple[str, str], Decimal]) -> Statement:
    """What an account should have, by its books, by its folded history and by the holds of its open orders.

    `held` is what open orders say they hold: ("buy", currency) in cash, ("sell", symbol) in shares.
    """
    lines: dict[str, Decimal] = {}
    for currency, of in books.items():
        incoming, outgoing = of.get(Book.RECEIVABLE, ZERO), of.get(Book.PAYABLE, ZERO)
        lines |= {
            f"{currency} available": of.get(Book.CASH, ZERO) + incoming + outgoing,
            f"{currency} held": of.get(Book.HELD, ZERO),
            f"{currency} held for orders": of.get(Book.HELD, ZERO),
            f"{currency} unsettled in": incoming,
            f"{currency} unsettled out": -outgoing,
            f"{currency} pending": incoming + outgoing,
            f"{currency} cost of shares": of.get(Book.SHARES, ZERO),
            f"{currency} realized profit": -sum((of.get(book, ZERO) for book in _PROFIT), ZERO),
        }
    for position in positions:
        lines |= _of(position, held.get(("sell", position.symbol), ZERO))
    return _without_zeros(lines)


_PROFIT: Final = (Book.GAINS, Book.FEES, Book.TAXES)


def stored(
    balances: Iterable[Balance],
    positions: Iterable[Position],
    pending: Iterable[Unsettled],
    held: Mapping[tuple[str, str], Decimal],
) -> Statement:
    """What an account has, by the rows everybody reads."""
    lines: dict[str, Decimal] = {}
    for balance in balances:
        currency = balance.currency
        lines |= {
            f"{currency} available": balance.available,
            f"{currency} held": balance.held,
            f"{currency} held for orders": held.get(("buy", currency), ZERO),
            f"{currency} unsettled in": balance.unsettled_in,
            f"{currency} unsettled out": balance.unsettled_out,
        }
    for item in pending:
        _add(lines, f"{item.currency} pending", item.net)
    for position in positions:
        lines |= _of(position, position.held)
        _add(lines, f"{position.currency} cost of shares", position.cost)
        _add(lines, f"{position.currency} realized profit", position.realized_profit)
    return _without_zeros(lines)


def differences(rebuilt: Statement, stored: Statement) -> tuple[Difference, ...]:
    """Every line on which two statements disagree."""
    names = sorted({*rebuilt, *stored})
    pairs = ((name, rebuilt.get(name, ZERO), stored.get(name, ZERO)) for name in names)
    return tuple(Difference(name, ours, theirs) for name, ours, theirs in pairs if ours != theirs)


def hash_of(statement: Statement) -> str:
    """A statement in one word: SHA-256 over its lines in their order, amounts written plainly."""
    lines = (f"{name}={amount.normalize():f}\n" for name, amount in sorted(statement.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _of(position: Position, held: Decimal) -> dict[str, Decimal]:
    return {
        f"{position.symbol} shares": position.quantity,
        f"{position.symbol} held": held,
        f"{position.symbol} cost": position.cost,
        f"{position.symbol} realized profit": position.realized_profit,
    }


def _add(lines: dict[str, Decimal], name: str, amount: Decimal) -> None:
    lines[name] = lines.get(name, ZERO) + amount


def _without_zeros(lines: Mapping[str, Decimal]) -> Statement:
    return {name: amount for name, amount in lines.items() if amount}
