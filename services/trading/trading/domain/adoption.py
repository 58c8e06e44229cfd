"""Adopting an order that its owner placed elsewhere: it passed no review of ours, for it is at the broker already."""

from decimal import Decimal
from typing import Final

from quant.fees import Trade, buy_reserve
from quant.markets.listing import Board, Kind, Market, currency_of

from trading.domain.account import Account
from trading.domain.order import Order, Status
from trading.domain.quote import Quote
from trading.domain.reconciliation import AccountReport, ListedOrder
from trading.domain.settlement import local_day

ZERO: Final = Decimal(0)
_BOARDS: Final[dict[Market, Board]] = {"KRX": "KOSPI", "US": "US"}


def adopted(account: Account, report: AccountReport, found: ListedOrder, quote: Quote | None, free: Decimal) -> Order:
    """The order as it is at the broker, before anything of it is booked here.

    `free` is what the account can set aside for it: cash for a buy, shares for a sale. Where that is less than it
    needs, less is held: it is at the broker all the same. Without a quote the usual board and a stock are taken.
    """
    board = quote.board if quote else _BOARDS[report.market]
    kind: Kind = quote.kind if quote else "stock"
    day = local_day(report.currency, found.placed_at)
    needed, reserve = found.quantity, None
    if found.side == "buy":
        reserve = found.limit_price
        trade = Trade(report.market, board, kind, "buy", found.quantity, reserve or ZERO, day)
        needed = buy_reserve(trade) if reserve else ZERO
    return Order(
        id=report.id_of(found),
        account_id=account.id,
        client_order_id=f"adopted:{report.id_of(found)}",
        symbol=found.symbol,
        market=report.market,
        venue=report.market,
        currency=currency_of(report.market),
        side=found.side,
        order_type="market" if found.limit_price is None else "limit",
        quantity=found.quantity,
        limit_price=found.limit_price,
        stop_price=None,
        time_in_force="day",
        board=board,
        kind=kind,
        status=Status.ACCEPTED,
        filled_quantity=ZERO,
        filled_value=ZERO,
        fee=ZERO,
        tax=ZERO,
        reserve_price=reserve,
        held=max(ZERO, min(needed, free)),
        reason=None,
        detail=f"placed elsewhere: {found.broker_order_id}",
        created_at=found.placed_at,
        updated_at=report.read_at,
        trading_date=day,
    )
