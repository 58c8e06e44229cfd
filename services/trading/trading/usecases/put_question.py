"""Put the risk review's question: read, after the lock, everything that the checks look at."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session

from trading.domain.account import Account, Standing
from trading.domain.day import day_began
from trading.domain.limits import Limits, narrowed, of_the_account, spanning
from trading.domain.question import Question
from trading.domain.quote import Quote
from trading.domain.request import OrderRequest
from trading.store import limits as own_limits
from trading.store import rights, standing
from trading.store.standing import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An order to judge, by which quote and bounds, and when. `extra_hold` is given for a replacement only."""

    request: OrderRequest
    quote: Quote | None
    limits: Limits
    now: datetime
    extra_hold: Decimal | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the order concerns its own account alone, and no second order comes with it."""
        is_single = self.request.stop_loss_price is None and self.request.oco_stop_price is None
        return is_single and self.limits.person_trades_max is None

    def question(self, account: Account, stands: Standing) -> Question:
        """The question about the order, once it is known where its account stands."""
        return Question(
            request=self.request,
            account=account,
            standing=stands,
            latest=self.quote,
            limits=self.limits,
            now=self.now,
            extra_hold=self.extra_hold,
        )


async def put_question(session: Session, owner: UUID, account: Account, asked: Asked) -> Question:
    """Read where the account stands, and the owner's limits if there are any. The account is locked.

    Most owners have none and are spared the statement; with limits of their own, what those ask for is read as well.
    """
    request, limits, at = asked.request, asked.limits, asked.now
    moment = Moment(now=at, day_began=day_began(request.market, at))
    if limits.person_trades_max is not None:
        await standing.lock_person(session, owner)
    stands = await standing.find(session, owner, request, limits, moment)
    if stands.has_own_limits:
        in_force = await own_limits.list_in_force(session, owner, request, at)
        limits = narrowed(limits, of_the_account(in_force), request.currency)
        limits = replace(limits, spanning=spanning(in_force))
        if limits.spanning:
            await standing.lock_person(session, owner)
        stands = await standing.find(session, owner, request, limits, moment)
        tallies = {scope: await standing.tally(session, owner, request, scope, moment) for scope in limits.spanning}
        stands = replace(stands, tallies=tallies)
    if account.kind == "live":
        stands = replace(stands, live_permitted=await rights.may_trade_live(session, owner))
    return replace(asked, limits=limits).question(account, stands)
