"""Ledger transactions of an order's hold: more of it, or less, each under a name of its own so none moves twice."""

from datetime import datetime
from decimal import Decimal

from trading.domain.ledger import Book, Posting, Transaction
from trading.domain.order import Order


def hold_more(order: Order, amount: Decimal, step: str, at: datetime) -> Transaction:
    """More cash is set aside for a buy; `step` says why, once for each order."""
    postings = (Posting(Book.CASH, -amount), Posting(Book.HELD, amount))
    return Transaction(f"hold:{order.id}:{step}", "hold", order.account_id, order.currency, postings, at)


def release_part(order: Order, amount: Decimal, step: str, at: datetime) -> Transaction:
    """Part of a buy's cash becomes free while the order goes on."""
    postings = (Posting(Book.HELD, -amount), Posting(Book.CASH, amount))
    return Transaction(f"release:{order.id}:{step}", "release", order.account_id, order.currency, postings, at)
