"""A small exchange, pure: orders, a book by price and time, call auctions, and the rules of one symbol's day.

The simulator of paper trading, the brokers' emulators and event-driven backtests all trade on this very code. Nothing
here reads a clock, a file or a random number: time and the seed are arguments, so the same inputs give the same trades.
"""

from quant.matching.auction import Clearing, clear
from quant.matching.book import Book
from quant.matching.exchange import Exchange
from quant.matching.order import Ended, Fill, Order, OrderType, Outcome, Refusal, TimeInForce
from quant.matching.rules import Interruption, Outside, Phase, Rules

__all__ = [
    "Book",
    "Clearing",
    "Ended",
    "Exchange",
    "Fill",
    "Interruption",
    "Order",
    "OrderType",
    "Outcome",
    "Outside",
    "Phase",
    "Refusal",
    "Rules",
    "TimeInForce",
    "clear",
]
