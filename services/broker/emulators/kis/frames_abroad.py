"""Frames of the stream from abroad, by their fields: notices of the overseas ledger, trades and books there."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from quant.markets.calendar import NEW_YORK, SEOUL
from quant.matching import Exchange

from emulators.house import Notice
from emulators.tape import Tick

NOTICE_FIELDS: Final = 25
TRADE_FIELDS: Final = 26
LEVELS: Final = 10
SYMBOL_AT: Final = 4
"""Where a subscription's name says the symbol: after a letter for the session and three for the exchange."""


def notice(told: Notice) -> list[str]:
    """The 25 fields of a notice from abroad."""
    slip, dealt = told.slip, told.dealt
    at = f"{(dealt.at if dealt else slip.at).astimezone(SEOUL):%H%M%S}"
    quantity, price = (dealt.quantity, dealt.price) if dealt else (told.quantity, Decimal(0))
    fields = ["EMULATED", slip.account, slip.number, slip.original or "0" * 10]
    fields += ["01" if slip.side == "sell" else "02", {"order": "0", "change": "1", "cancel": "2"}[slip.action]]
    fields += ["00", slip.symbol, f"{quantity:010.0f}", f"{price:.4f}", at, "0", "2" if dealt else "1"]
    fields += ["2" if dealt else "1", "00950", f"{slip.quantity:09.0f}"]
    return fields + [""] * (NOTICE_FIELDS - len(fields))


def trade(key: str, symbol: str, exchange: Exchange, tick: Tick, volume: Decimal) -> list[str]:
    """The 26 fields of a trade; what the house does not know is zero."""
    here, seoul, price, shown = tick.at.astimezone(NEW_YORK), tick.at.astimezone(SEOUL), _price(tick.price), exchange
    fields = [key, symbol, "4", f"{here:%Y%m%d}", f"{here:%Y%m%d}", f"{here:%H%M%S}"]
    fields += [f"{seoul:%Y%m%d}", f"{seoul:%H%M%S}", price, price, price, price, "3", "0.0000", "0.00"]
    fields += [_price(shown.outside.bid), _price(shown.outside.ask)]
    fields += [f"{shown.outside.bid_size:.0f}", f"{shown.outside.ask_size:.0f}"]
    fields += [f"{tick.quantity:.0f}", f"{volume:.0f}"]
    return fields + ["0"] * (TRADE_FIELDS - len(fields))


def book(key: str, symbol: str, exchange: Exchange, at: datetime) -> list[str]:
    """The 71 fields of a book with one level."""
    here, seoul, shown = at.astimezone(NEW_YORK), at.astimezone(SEOUL), exchange.outside
    sizes = [f"{shown.bid_size:.0f}", f"{shown.ask_size:.0f}"]
    fields = [key, symbol, "4", f"{here:%Y%m%d}", f"{here:%H%M%S}", f"{seoul:%Y%m%d}", f"{seoul:%H%M%S}"]
    fields += [*sizes, "0", "0"]
    fields += [_price(shown.bid), _price(shown.ask), *sizes, "0", "0"]
    return fields + ["0.0000", "0.0000", "0", "0", "0", "0"] * (LEVELS - 1)


def _price(price: Decimal | None) -> str:
    return f"{price or 0:.4f}"
