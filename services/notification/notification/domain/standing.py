"""How things stand: the last word on each order, position and balance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from notification.domain.stream import Entry

OVER = frozenset({"filled", "denied", "rejected", "canceled", "expired"})


@dataclass(frozen=True, slots=True)
class Piece:
    """One order, position or balance as it was announced."""

    type: str
    key: str
    data: Mapping[str, Any]
    at: datetime


def piece_of(entry: Entry, at: datetime) -> Piece | None:
    """Take from an entry of the stream what it says about how things stand; None when that is nothing."""
    data = entry.data
    match entry.type:
        case "order" if "id" in data:
            return Piece("order", str(data["id"]), data, at)
        case "position" if "account_id" in data:
            return Piece("position", f"{data['account_id']}:{data['symbol']}", data, at)
        case "balance" if "account_id" in data:
            return Piece("balance", f"{data['account_id']}:{data['currency']}", data, at)
    return None


def is_over(piece: Piece) -> bool:
    """Tell whether there is nothing left to show: an order that has ended, a position that is sold."""
    if piece.type == "order":
        return piece.data.get("status") in OVER
    return piece.type == "position" and Decimal(str(piece.data.get("quantity", "0"))) == 0
