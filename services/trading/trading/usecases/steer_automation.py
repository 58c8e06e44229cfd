"""Start, pause or stop an automation."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.automation_events import AutomationChanged
from trading.domain.automation import Automation, AutomationId, Status
from trading.errors import AutomationCoolingOff, AutomationNotFound
from trading.store import automations

Command = Literal["start", "pause", "stop"]
LEADS_TO: Final[dict[Command, Status]] = {
    "start": Status.RUNNING,
    "pause": Status.PAUSED,
    "stop": Status.STOPPED,
}


async def steer_automation(
    session: Session, owner: UUID, automation_id: AutomationId, command: Command, now: datetime
) -> Automation:
    """Bring an automation to where its owner wants it; being there already changes nothing.

    What it has stays: paused, it watches over it, stopped, it leaves it to its owner.
    """
    automation = await automations.lock(session, owner, automation_id)
    if automation is None:
        raise AutomationNotFound("You have no automation of this id.")
    status = LEADS_TO[command]
    if status is Status.RUNNING and automation.is_cooling_off(now):
        raise AutomationCoolingOff(
            f"It was paused ({automation.reason}) and cools off until {automation.cool_off_until:%Y-%m-%d %H:%M} UTC."
        )
    if automation.status is status:
        return automation
    changed = automation.then(status, now, None if status is Status.RUNNING else automation.reason)
    await automations.save(session, owner, changed)
    await record(session, AutomationChanged.of(changed), owner=owner)
    return changed
