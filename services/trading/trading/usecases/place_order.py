"""Place an order: lock its account, review it, then hold its money and submit it, or keep it as denied."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.limits import Limits
from trading.domain.quote import Quote
from trading.domain.request import OrderRequest
from trading.usecases.lock_account import lock_account
from trading.usecases.place_in_account import Placed, place_in_account
from trading.usecases.put_question import Asked


async def place_order(
    session: Session, owner: UUID, request: OrderRequest, quote: Quote | None, limits: Limits, now: datetime
) -> Placed:
    """Place an order once per client id: the same request again gets the order that is there."""
    account = await lock_account(session, owner, request.account_id)
    return await place_in_account(session, owner, account, Asked(request=request, quote=quote, limits=limits, now=now))
