"""One spelling per instrument: `005930`, `005930.KS`, `KRX:005930` and `A005930` are the same share."""

import re
from dataclasses import dataclass
from typing import Final

from quant.markets.listing import Market

SYMBOL_TEXT_MAX: Final = 32

# Issue masters and brokers put a type letter in front (A stock, Q note, J warrant); Yahoo puts the board behind.
_KRX_CODE = re.compile(r"[AQJ]?([0-9][0-9A-Z]{5})(\.K[SQN])?")
_US_CODE = re.compile(r"[A-Z][A-Z.\-]{0,9}")
INDICES: Final = frozenset({"KOSPI", "KOSDAQ", "KOSPI200"})
"""Names of indices of KRX: series to compare with, which nobody can buy. None of them is a ticker in the US."""
_HELP: Final = (
    "expected a KRX code such as 005930, 0155E0 or 005930.KS, a US ticker such as AAPL, or KRX:005930, US:AAPL"
)


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument on a market. `code` is opaque: never a number, never stripped of zeros or letters."""

    code: str
    market: Market


def is_index(code: str) -> bool:
    """Whether a listing's code names an index."""
    return code in INDICES


def normalise(text: str) -> Listing:
    """The listing a user or provider means by `text`; ValueError says what was expected.

    A code without market is KRX when it is six characters and begins with a digit (Korean codes do, US tickers never),
    or when it names an index of KRX.
    """
    if len(text) > SYMBOL_TEXT_MAX:
        raise ValueError(f"a symbol has at most {SYMBOL_TEXT_MAX} characters")
    if not text.isascii():
        raise ValueError(f"not a symbol: {text!r}; {_HELP}")
    market, _, code = text.strip().upper().rpartition(":")
    if market in {"", "KRX"} and code in INDICES:
        return Listing(code, "KRX")
    if market in {"", "KRX"} and (match := _KRX_CODE.fullmatch(code)):
        return Listing(match.group(1), "KRX")
    if market in {"", "US"} and _US_CODE.fullmatch(code):
        return Listing(code, "US")
    raise ValueError(f"not a symbol: {text!r}; {_HELP}")
