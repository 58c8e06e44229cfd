"""Review an order: look at everything the checks need, decide; nothing is written."""

from dataclasses import dataclass
from uuid import UUID

from kit.db import Session

from trading.domain.account import Account, Standing
from trading.domain.request import Approved, Denied
from trading.domain.risk import review
from trading.usecases.put_question import Asked, put_question


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The account, locked, where it stands, and what the review says."""

    account: Account
    standing: Standing
    verdict: Approved | Denied


async def review_order(session: Session, owner: UUID, account: Account, asked: Asked) -> Reviewed:
    """Decide about an order in an account that is locked to trade.

    Both placing and previewing one begin here, so a preview never differs.
    """
    question = await put_question(session, owner, account, asked)
    return Reviewed(account, question.standing, review(question))
