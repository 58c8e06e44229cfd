"""Delete an automation that has nothing left to do."""

from uuid import UUID

from kit.db import Session

from trading.domain.automation import AutomationId, Status
from trading.errors import AutomationAtWork, AutomationNotFound
from trading.store import automations


async def delete_automation(session: Session, owner: UUID, automation_id: AutomationId) -> None:
    """Forget a stopped automation without shares; what it did stays in orders and signals."""
    automation = await automations.lock(session, owner, automation_id)
    if automation is None:
        raise AutomationNotFound("You have no automation of this id.")
    if automation.status is not Status.STOPPED:
        raise AutomationAtWork(f"It is {automation.status}: stop it first.")
    if await automations.find_any_open_trip(session, owner, automation_id):
        raise AutomationAtWork("It has shares that are not sold: sell them first.")
    await automations.delete_one(session, owner, automation_id)
