"""Do what a closed bar means for an alert on a rule, once, whoever else tries."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from notification.domain.alert import Seen, Step, step
from notification.domain.rule_alert import DueRule
from notification.store import alerts
from notification.usecases.tell_owner import Publish
from notification.usecases.trigger_alert import trigger_alert


async def judge_alert(
    session: Session, due: DueRule, seen: Seen, told_id: UUID, now: datetime, publish: Publish
) -> None:
    """Trigger it or make it active again, and note the bar as judged; nothing when somebody else did."""
    alert = due.alert
    if not await alerts.save_judged(session, alert.owner, alert.id, due.bar):
        return
    decided = step(alert, seen, now)
    if decided is Step.TRIGGER:
        await trigger_alert(session, alert, seen, told_id, now, publish)
    elif decided is Step.REARM:
        await alerts.save_rearmed(session, alert.owner, alert.id)
