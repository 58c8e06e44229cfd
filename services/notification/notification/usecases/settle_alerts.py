"""Do what was decided for an owner's alerts, each once, whoever else tries."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Session
from kit.events import record

from notification.domain.alert import Alert, Decided, Step, is_waiting, notice_of, then
from notification.domain.owner import OwnerId
from notification.events import AlertTriggered
from notification.store import alerts
from notification.usecases.tell_owner import Publish, Told, tell_owner


async def settle_alerts(
    session: Session, owner: OwnerId, decided: Sequence[Decided], now: datetime, publish: Publish
) -> list[Alert]:
    """Tell the owner which alerts were met, and make those active again that have rested; return all that still wait.

    However many there are, each table is written once.
    """
    standing = await alerts.lock_all(session, owner, [each.alert.id for each in decided])
    settled: list[Alert] = []
    facts: list[AlertTriggered] = []
    for each in decided:
        before = standing.get(each.alert.id)
        after = None if before is None else then(before, each, now)
        if after is None:
            continue
        standing[after.id] = after
        settled.append(after)
        if each.step is Step.TRIGGER:
            tell_owner(session, owner, Told(each.told_id, (), notice_of(after, each.seen), now), publish)
            price = each.seen.price
            fact = AlertTriggered(alert_id=after.id, symbol=after.symbol, price=price, condition=after.condition)
            facts.append(fact)
    if settled:
        await alerts.save_steps(session, owner, settled)
        await record(session, *facts, owner=owner)
    return [alert for alert in standing.values() if is_waiting(alert, now)]
