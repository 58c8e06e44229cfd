"""The bodies of the emulator's answers: every field of the API, prices and quantities as strings, times in UTC."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from quant.matching import Exchange

from emulators.house import Account, Dealt, Slip

_NAMESPACE: Final = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
_NULLS: Final = ("failed_at", "notional", "stop_price", "legs", "trail_percent", "trail_price", "hwm", "ratio_qty")


def written(moment: datetime) -> str:
    """RFC 3339 with nine digits, as Go writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


def plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def status_of(slip: Slip) -> str:
    if slip.moved and not slip.open:
        return "replaced"
    if slip.open:
        return "partially_filled" if slip.filled else "new"
    if slip.expired:
        return "expired"
    return "canceled" if slip.canceled else "filled"


def order(slip: Slip, replaced_by: str | None) -> dict[str, Any]:
    """An order."""
    status, at = status_of(slip), written(slip.at)
    ends = {"filled": "filled_at", "canceled": "canceled_at", "expired": "expired_at", "replaced": "replaced_at"}
    average = None if not slip.filled else plain(round(slip.amount / slip.filled, 6))
    row: dict[str, Any] = {
        "id": slip.number,
        "client_order_id": slip.client_key,
        "created_at": at,
        "updated_at": at,
        "submitted_at": at,
        **dict.fromkeys(("filled_at", "expired_at", "canceled_at", "replaced_at", *_NULLS)),
        "expires_at": None,
        "replaced_by": replaced_by,
        "replaces": slip.original or None,
        "asset_id": asset_id(slip.symbol),
        "symbol": slip.symbol,
        "asset_class": "us_equity",
        "qty": plain(slip.quantity),
        "filled_qty": plain(slip.filled),
        "filled_avg_price": average,
        "order_class": "",
        "order_type": "limit" if slip.limit else "market",
        "type": "limit" if slip.limit else "market",
        "side": slip.side,
        "position_intent": "buy_to_open" if slip.side == "buy" else "sell_to_close",
        "time_in_force": slip.kind,
        "limit_price": plain(slip.price) if slip.limit else None,
        "status": status,
        "extended_hours": False,
        "subtag": None,
        "source": None,
    }
    if status in ends:
        row[ends[status]] = at
    return row


def asset_id(symbol: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, symbol))


def asset(symbol: str) -> dict[str, Any]:
    """An asset."""
    flags = dict.fromkeys(("tradable", "marginable", "shortable", "easy_to_borrow"), True)
    named = {"id": asset_id(symbol), "class": "us_equity", "exchange": "NASDAQ", "symbol": symbol, "name": symbol}
    return named | flags | {"status": "active", "fractionable": False, "attributes": []}


def activity(dealt: Dealt, total: Decimal) -> dict[str, Any]:
    """A FILL of the list of activities; `total` is what the order had traded with it."""
    slip = dealt.slip
    left = slip.quantity - total
    return {
        "id": f"{dealt.at.astimezone(UTC):%Y%m%d%H%M%S}{dealt.at.microsecond // 1000:03d}::{execution_id(dealt)}",
        "account_id": str(uuid.uuid5(_NAMESPACE, slip.account)),
        "activity_type": "FILL",
        "transaction_time": written(dealt.at),
        "type": "partial_fill" if left else "fill",
        "price": plain(dealt.price),
        "qty": plain(dealt.quantity),
        "side": slip.side,
        "symbol": slip.symbol,
        "leaves_qty": plain(left),
        "order_id": slip.number,
        "cum_qty": plain(total),
        "order_status": "partially_filled" if left else "filled",
    }


def execution_id(dealt: Dealt) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{dealt.slip.number}|{dealt.number}"))


def account(number: str, held: Account, worth: Decimal, spendable: Decimal) -> dict[str, Any]:
    """The account; nothing is on margin."""
    cash, equity = f"{held.cash:.2f}", f"{held.cash + worth:.2f}"
    powers = ("buying_power", "regt_buying_power", "daytrading_buying_power", "non_marginable_buying_power")
    zeros = ("short_market_value", "initial_margin", "maintenance_margin", "last_maintenance_margin", "sma")
    flags = ("pattern_day_trader", "trading_blocked", "transfers_blocked", "account_blocked", "trade_suspended_by_user")
    return {
        "id": str(uuid.uuid5(_NAMESPACE, number)),
        "account_number": number,
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "cash": cash,
        **dict.fromkeys((*powers, "options_buying_power"), f"{spendable:.2f}"),
        **dict.fromkeys(("portfolio_value", "equity", "last_equity"), equity),
        "long_market_value": f"{worth:.2f}",
        **dict.fromkeys(zeros, "0"),
        **dict.fromkeys(flags, False),
        "multiplier": "1",
        "daytrade_count": 0,
        "shorting_enabled": False,
        "created_at": "2026-01-02T00:00:00.000000000Z",
        "accrued_fees": "0",
        "options_approved_level": 0,
        "options_trading_level": 0,
    }


def position(symbol: str, held: Account, exchange: Exchange) -> dict[str, Any]:
    """Shares of one symbol."""
    quantity, cost = held.shares[symbol], held.cost[symbol]
    last = exchange.last or Decimal(0)
    worth = quantity * last
    return {
        "asset_id": asset_id(symbol),
        "symbol": symbol,
        "exchange": "NASDAQ",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "avg_entry_price": plain(round(cost / quantity, 6)),
        "qty": plain(quantity),
        "side": "long",
        "market_value": plain(worth),
        "cost_basis": plain(cost),
        "unrealized_pl": plain(worth - cost),
        "unrealized_plpc": plain(round((worth - cost) / cost, 6)),
        **dict.fromkeys(("unrealized_intraday_pl", "unrealized_intraday_plpc", "change_today"), "0"),
        "current_price": plain(last),
        "lastday_price": plain(last),
        "qty_available": plain(quantity),
    }
