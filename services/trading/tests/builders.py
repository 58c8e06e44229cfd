"""Orders, quotes and fills that are valid unless a test says otherwise."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from kit.ids import new_id
from quant.markets.bands import Band
from trading.domain.account import Account, Standing
from trading.domain.limits import Limits
from trading.domain.order import Order, submit
from trading.domain.question import Question
from trading.domain.quote import Quote
from trading.domain.request import AccountId, Approved, Execution, Hold, OrderId, OrderRequest

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
DAY = date(2024, 12, 16)
SAMSUNG = "005930"


def won(text: str | int) -> Decimal:
    return Decimal(text)


def a_request(**changes: Any) -> OrderRequest:
    order_id = OrderId(new_id())
    values: dict[str, Any] = {
        "id": order_id,
        "account_id": AccountId(new_id()),
        "client_order_id": f"c-{order_id}",
        "symbol": SAMSUNG,
        "market": "KRX",
        "venue": "KRX",
        "currency": "KRW",
        "side": "buy",
        "order_type": "limit",
        "quantity": Decimal(10),
        "limit_price": Decimal(56100),
        "stop_price": None,
        "time_in_force": "day",
    }
    values |= changes
    if values["order_type"] == "market" and "limit_price" not in changes:
        values["limit_price"] = None
    return OrderRequest(**values)


def a_quote(**changes: Any) -> Quote:
    values: dict[str, Any] = {
        "symbol": SAMSUNG,
        "market": "KRX",
        "board": "KOSPI",
        "kind": "stock",
        "currency": "KRW",
        "price": Decimal(56000),
        "band": Band(lower=Decimal(38500), upper=Decimal(71500)),
        "session": "regular",
        "trading_date": DAY,
        "published_at": NOW,
    }
    return Quote(**(values | changes))


def a_us_quote(**changes: Any) -> Quote:
    values = {"symbol": "AAPL", "market": "US", "board": "US", "currency": "USD", "price": Decimal(200), "band": None}
    return a_quote(**(values | changes))


def an_account(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "id": AccountId(new_id()),
        "name": "모의투자 1호",
        "kind": "paper",
        "currency": "KRW",
        "trading_halted": False,
        "created_at": NOW,
    }
    return Account(**(values | changes))


def limits(**changes: Any) -> Limits:
    values: dict[str, Any] = {
        "quote_age_max": timedelta(seconds=5),
        "quantity_max": Decimal(1_000_000),
        "value_max": {"KRW": Decimal(1_000_000_000), "USD": Decimal(1_000_000)},
        "price_distance_max": Decimal("0.5"),
        "open_orders_max": 100,
    }
    return Limits(**(values | changes))


def a_standing(**changes: Any) -> Standing:
    values: dict[str, Any] = {
        "available": Decimal(10_000_000),
        "sellable": Decimal(100),
        "open_orders": 0,
        "being_bought": Decimal(0),
        "database_time": NOW,
    }
    return Standing(**(values | changes))


def a_question(**changes: Any) -> Question:
    values: dict[str, Any] = {
        "request": a_request(),
        "account": an_account(),
        "standing": a_standing(),
        "latest": a_quote(),
        "limits": limits(),
        "now": NOW,
    }
    return Question(**(values | changes))


def an_order(**changes: Any) -> Order:
    """An order that was approved and submitted: a buy that holds its cash, or a sale that holds its shares."""
    request = a_request(**changes)
    if request.side == "buy":
        price = request.limit_price or Decimal(71500)
        value = price * request.quantity
        hold = Hold(price=price, amount=value + value * 15 // 100_000)
    else:
        hold = Hold(price=None, amount=request.quantity)
    return submit(Approved(request=request, quote=a_quote(), hold=hold), NOW)


def a_fill(order: Order, **changes: Any) -> Execution:
    values: dict[str, Any] = {
        "execution_id": f"simulator:2024-12-16:{new_id()}",
        "order_id": order.id,
        "account_id": order.account_id,
        "quantity": order.remaining_quantity,
        "price": order.limit_price or Decimal(56000),
        "tax": Decimal(0),
        "trade_date": DAY,
        "settlement_date": date(2024, 12, 18),
        "executed_at": NOW,
    }
    values |= changes
    values.setdefault("fee", values["quantity"] * values["price"] * 15 // 100_000)
    return Execution(**values)
