"""Pause an automation that has come to a limit of its own: it buys nothing more, and cools off."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.automation_events import AutomationChanged
from trading.domain.automation import Automation
from trading.store import automations


async def breach_automation(
    session: Session, owner: UUID, automation: Automation, reason: str, now: datetime
) -> Automation:
    """Pause a locked automation, and say why."""
    breached = automation.breached(reason, now)
    await automations.save(session, owner, breached)
    await record(session, AutomationChanged.of(breached), owner=owner)
    return breached
