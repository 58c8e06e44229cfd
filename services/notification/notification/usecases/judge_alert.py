"""Do what a closed bar means for an alert on a rule, once, whoever else tries."""

from datetime import datetime

from kit.db import Session

from notification.domain.alert import Decided
from notification.domain.rule_alert import DueRule
from notification.store import alerts
from notification.usecases.settle_alerts import settle_alerts
from notification.usecases.tell_owner import Publish


async def judge_alert(session: Session, due: DueRule, decided: Decided, now: datetime, publish: Publish) -> None:
    """Trigger it or make it active again, and note the bar as judged; nothing when somebody else did."""
    alert = due.alert
    if await alerts.save_judged(session, alert.owner, alert.id, due.bar):
        await settle_alerts(session, alert.owner, [decided], now, publish)
