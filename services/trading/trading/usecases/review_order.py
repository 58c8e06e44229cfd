"""Review an order: lock its account, look at everything the checks need, decide; nothing is written."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.account import Account
from trading.domain.quote import Quote
from trading.domain.request import Approved, Denied, OrderRequest
from trading.domain.risk import Limits, Question, review
from trading.errors import AccountNotFound
from trading.store import accounts


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The account, locked, and what the review says."""

    account: Account
    verdict: Approved | Denied


async def review_order(
    session: Session, owner: UUID, request: OrderRequest, quote: Quote | None, limits: Limits, now: datetime
) -> Reviewed:
    """Decide about an order. Both placing and previewing one begin here, so a preview never differs."""
    account = await accounts.lock(session, owner, request.account_id)
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    standing = await accounts.find_standing(
        session, owner, account.id, request.currency, request.symbol, open_orders_max=limits.open_orders_max
    )
    question = Question(request=request, account=account, standing=standing, latest=quote, limits=limits, now=now)
    return Reviewed(account, review(question))
