"""Act on signals: lock their account, automations and themselves, and act on those that wait still."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.limits import Limits
from trading.domain.signal import Signal, SignalStatus
from trading.store import accounts
from trading.store.automation import portions
from trading.usecases.act_on_locked import Locked, Turn, act_on_locked


async def act_on_signals(
    session: Session, owner: UUID, turns: Sequence[Turn], limits: Limits, now: datetime
) -> list[Signal]:
    """Turn waiting signals into orders, or say why they are none; return those that have come to their end.

    They are of one account, and each of another automation: so nothing that is read for all of them is changed by one.
    The client order id is the signal's, so that a signal has one order, whoever acts on it and however often.
    """
    known = {turn.signal.id: turn for turn in turns}
    account = await accounts.lock_to_trade(session, owner, turns[0].signal.account_id)
    automations = await portions.lock_automations(session, owner, {turn.signal.automation_id for turn in turns})
    signals = await portions.lock_signals(session, owner, known.keys())
    if account is None:
        return []
    waiting = [
        replace(known[each.id], signal=each)
        for each in signals.values()
        if each.status is SignalStatus.WAITING and each.automation_id in automations
    ]
    return await act_on_locked(session, Locked(owner, account, automations), waiting, limits, now)
