"""Review an order: lock its account, look at everything the checks need, decide; nothing is written."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.account import Account, Standing
from trading.domain.limits import Limits
from trading.domain.quote import Quote
from trading.domain.request import Approved, Denied, OrderRequest
from trading.domain.risk import review
from trading.errors import AccountNotFound
from trading.store import accounts
from trading.usecases.put_question import Asked, put_question


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The account, locked, where it stands, and what the review says."""

    account: Account
    standing: Standing
    verdict: Approved | Denied


async def review_order(
    session: Session, owner: UUID, request: OrderRequest, quote: Quote | None, limits: Limits, now: datetime
) -> Reviewed:
    """Decide about an order. Both placing and previewing one begin here, so a preview never differs."""
    account = await accounts.lock_to_trade(session, owner, request.account_id)
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    return await review_locked(session, owner, account, Asked(request=request, quote=quote, limits=limits, now=now))


async def review_locked(session: Session, owner: UUID, account: Account, asked: Asked) -> Reviewed:
    """Decide about an order of an account that this transaction has locked to trade."""
    question = await put_question(session, owner, account, asked)
    return Reviewed(account, question.standing, review(question))
