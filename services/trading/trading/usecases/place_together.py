"""Place orders of several people by one transaction: their accounts are locked, read, judged and written at once.

An order by itself is five round trips, and so are sixteen that go together. Each is decided by the same functions, on
what was read of its own account after that was locked, and no two are of one account: so what one of them does changes
nothing that another was judged by. Whatever is not plain is left to be placed by itself.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from kit.db import Session
from kit.events import announce

from trading.domain.account import Account, Standing
from trading.domain.day import day_began
from trading.domain.risk import review
from trading.store import accounts, standing
from trading.store.standing import Moment
from trading.store.together import Writes, join, write_all
from trading.usecases.place_in_account import Placed, Saving
from trading.usecases.put_question import Asked
from trading.usecases.review_order import Reviewed


@dataclass(frozen=True, slots=True)
class Wish:
    """An order that somebody asks for, and the context in which they do: its facts are part of what that says."""

    owner: UUID
    asked: Asked
    context: Context


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided about a wish, and what is written of it."""

    wish: Wish
    saving: Saving
    writes: Writes


Outcome = Placed | Literal["busy"] | None
"""What became of a wish; None when it has to be placed by itself."""


async def place_together(session: Session, wishes: Sequence[Wish]) -> list[Outcome]:
    """Place plain orders, each of another account.

    One is busy whose account is locked by somebody else, or is not there. By itself has to go one whose account is
    live or bounded by limits of its owner's own, and one whose client id is taken.
    """
    owners = {wish.asked.request.account_id: wish.owner for wish in wishes}
    assert len(owners) == len(wishes), "each is of another account"
    locked = await accounts.lock_free_to_trade(session, owners)
    going = [wish for wish in wishes if (found := locked.get(wish.asked.request.account_id)) and found.kind != "live"]
    stands = await _stands(session, going) if going else []
    plans = {
        id(wish): wish.context.run(_plan, wish, locked[wish.asked.request.account_id], stand)
        for wish, stand in zip(going, stands, strict=True)
        if not stand.is_taken and not stand.has_own_limits
    }
    await _save(session, list(plans.values()))

    def outcome_of(wish: Wish) -> Outcome:
        if (plan := plans.get(id(wish))) is not None:
            return Placed(plan.saving.order, replayed=False)
        return None if wish.asked.request.account_id in locked else "busy"

    return [outcome_of(wish) for wish in wishes]


async def _stands(session: Session, wishes: Sequence[Wish]) -> list[Standing]:
    asked = [wish.asked for wish in wishes]
    moments = [Moment(now=each.now, day_began=day_began(each.request.market, each.now)) for each in asked]
    given = [(each.request, each.limits, moment) for each, moment in zip(asked, moments, strict=True)]
    return await standing.find_all(session, [wish.owner for wish in wishes], given)


def _plan(wish: Wish, account: Account, stands: Standing) -> Plan:
    verdict = review(wish.asked.question(account, stands))
    saving = Saving.of(wish.owner, wish.asked, Reviewed(account, stands, verdict))
    return Plan(wish, saving, join(*saving.writes, facts=saving.facts, owner=wish.owner))


async def _save(session: Session, plans: Sequence[Plan]) -> None:
    """Write them: buys, sales and refusals are a statement each."""
    alike: dict[int, list[Plan]] = defaultdict(list)
    for plan in plans:
        alike[id(plan.writes.statement)].append(plan)
    for group in alike.values():
        rows = await write_all(session, [plan.writes for plan in group])
        of_each = [[row] for row in rows] if rows else [[] for _ in group]
        for plan, found in zip(group, of_each, strict=True):
            plan.saving.require(found)
            assert plan.writes.told is not None, "an order is always told of"
            plan.wish.context.run(announce, session, plan.writes.told)
