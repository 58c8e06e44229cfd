"""The words every market rule is written in: market, board, kind of instrument, currency."""

from decimal import Decimal
from typing import Final, Literal

Market = Literal["KRX", "US"]
Board = Literal["KOSPI", "KOSDAQ", "KONEX", "US"]
Kind = Literal["stock", "etf"]
Side = Literal["buy", "sell"]
Currency = Literal["KRW", "USD"]

_MARKETS: Final[dict[str, Market]] = {"KOSPI": "KRX", "KOSDAQ": "KRX", "KONEX": "KRX", "US": "US"}
_CURRENCIES: Final[dict[str, Currency]] = {"KRX": "KRW", "US": "USD"}
_MINOR_UNITS: Final[dict[str, Decimal]] = {"KRW": Decimal(1), "USD": Decimal("0.01")}


def market_of(board: Board) -> Market:
    """The market a board belongs to; ValueError for a board we do not trade."""
    if board not in _MARKETS:
        raise ValueError(f"unknown board {board!r}: use one of {', '.join(_MARKETS)}")
    return _MARKETS[board]


def currency_of(market: Market) -> Currency:
    """The currency a market trades and settles in."""
    if market not in _CURRENCIES:
        raise ValueError(f"unknown market {market!r}: use one of {', '.join(_CURRENCIES)}")
    return _CURRENCIES[market]


def minor_unit(currency: Currency) -> Decimal:
    """The smallest amount of cash that can move: one won, one cent."""
    if currency not in _MINOR_UNITS:
        raise ValueError(f"unknown currency {currency!r}: use one of {', '.join(_MINOR_UNITS)}")
    return _MINOR_UNITS[currency]
