"""What one account's automations do after closed bars, at once: their signals are raised and become orders together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.limits import Limits
from trading.domain.quote import Quote
from trading.domain.request import OrderId
from trading.domain.signal import Signal, SignalId, SignalStatus
from trading.store import accounts
from trading.store.automation import portions
from trading.usecases.act_on_locked import Locked, Turn, act_on_locked
from trading.usecases.evaluate_bars import Evaluated, evaluate_bars


@dataclass(frozen=True, slots=True)
class Spoken:
    """Judged bars of one account that made automations speak, the epoch of judging, and fresh quotes by symbol."""

    judged: Sequence[Evaluated]
    epoch: int
    quotes: Mapping[str, Quote]


async def evaluate_and_act(
    session: Session, owner: UUID, spoken: Spoken, limits: Limits, next_id: Callable[[], UUID], now: datetime
) -> list[Signal]:
    """End due runs of an epoch, raise signals and place their orders by fresh quotes: all of one account, or nothing.

    Of an automation that says several things the first is acted on; return the signals whose time is now and that wait
    still. What is locked is locked in the sequence of `act_on_signals`: the account and its automations come first.
    """
    judged = spoken.judged
    plans = {each.about: each.plan for each in judged}
    account = await accounts.lock_to_trade(session, owner, judged[0].automation.account_id)
    automations = await portions.lock_automations(session, owner, {each.automation.id for each in judged})
    raised = await evaluate_bars(session, owner, judged, spoken.epoch, lambda: SignalId(next_id()), now)
    now_due = [each for each in raised if each.status is SignalStatus.WAITING and each.act_on is None]
    if account is None or not now_due:
        return now_due
    firsts = {each.automation_id: each for each in reversed(now_due)}
    turns = [
        Turn(each, plans[each.automation_id, each.symbol], spoken.quotes.get(each.symbol), OrderId(next_id()))
        for each in firsts.values()
    ]
    ended = {each.id for each in await act_on_locked(session, Locked(owner, account, automations), turns, limits, now)}
    return [each for each in now_due if each.id not in ended]
