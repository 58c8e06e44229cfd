"""Preview an order: the verdict and the cost it would have, with nothing sent or stored."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from quant.fees import Trade, fees_for

from trading.domain.limits import Limits
from trading.domain.quote import Quote
from trading.domain.request import Approved, Denied, OrderRequest
from trading.usecases.lock_account import lock_account
from trading.usecases.put_question import Asked
from trading.usecases.review_order import review_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the order would cost if all of it were filled at `price`, and what would be held until then."""

    price: Decimal
    value: Decimal
    fee: Decimal
    tax: Decimal
    hold: Decimal


async def preview_order(
    session: Session, owner: UUID, request: OrderRequest, quote: Quote | None, limits: Limits, now: datetime
) -> Estimate | Denied:
    """Say what placing this order now would lead to."""
    account = await lock_account(session, owner, request.account_id)
    asked = Asked(request=request, quote=quote, limits=limits, now=now)
    reviewed = await review_order(session, owner, account, asked)
    return _estimate(reviewed.verdict) if isinstance(reviewed.verdict, Approved) else reviewed.verdict


def _estimate(approved: Approved) -> Estimate:
    request, quote = approved.request, approved.quote
    trade = Trade(
        market=quote.market,
        board=quote.board,
        kind=quote.kind,
        side=request.side,
        quantity=request.quantity,
        price=request.limit_price or request.stop_price or quote.price,
        trade_date=quote.trading_date,
    )
    costs = fees_for(trade)
    return Estimate(price=trade.price, value=trade.value, fee=costs.fee, tax=costs.taxes, hold=approved.hold.amount)
