"""What the simulated world keeps: trading's committed books, and the venue's resting orders."""

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from trading.domain.ledger import Book, Transaction
from trading.domain.order import Order
from trading.domain.position import Position


class Broken(Exception):
    """Something that must always hold does not."""


@dataclass
class Books:
    """What trading has committed."""

    orders: dict[UUID, Order] = field(default_factory=dict)
    books: dict[Book, Decimal] = field(default_factory=lambda: dict.fromkeys(Book, Decimal(0)))
    position: Position | None = None
    executions: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    inbox: set[int] = field(default_factory=set)

    @property
    def free(self) -> Decimal:
        """The money a new order may use: settled, under way to us, less what is owed."""
        return sum((self.books[book] for book in (Book.CASH, Book.RECEIVABLE, Book.PAYABLE)), Decimal(0))

    def copy(self) -> "Books":
        return Books(
            dict(self.orders),
            dict(self.books),
            self.position,
            set(self.executions),
            set(self.keys),
            set(self.inbox),
        )

    def post(self, movement: Transaction) -> None:
        if movement.key in self.keys:
            raise Broken(f"{movement.key} moves money twice")
        self.keys.add(movement.key)
        for posting in movement.postings:
            self.books[posting.book] += posting.amount


@dataclass
class Resting:
    """An order as the venue has it."""

    side: str
    quantity: Decimal
    price: Decimal
    filled: Decimal = Decimal(0)
    done: bool = False
