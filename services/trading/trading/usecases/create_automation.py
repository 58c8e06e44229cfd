"""Set up an automation: nothing happens before it is started."""

from uuid import UUID

from kit.db import Session

from trading.domain.automation import Automation
from trading.domain.plan import Plan, UnusableDocument, read_plan
from trading.errors import AccountNotFound, AutomationLimit, StrategyUnusable, VersionNotFound
from trading.store import accounts, automations

AUTOMATIONS_MAX = 100


async def create_automation(session: Session, owner: UUID, automation: Automation) -> Plan | None:
    """Keep an automation whose account and published version are the owner's; return what it will do."""
    if await accounts.lock_count(session, owner) == 0 or (
        await accounts.find(session, owner, automation.account_id) is None
    ):
        raise AccountNotFound("You have no account of this id.")
    if await automations.count(session, owner) >= AUTOMATIONS_MAX:
        raise AutomationLimit(f"One may have {AUTOMATIONS_MAX} automations: delete one that is stopped.")
    plan = await _plan(session, owner, automation)
    await automations.save_new(session, owner, automation)
    return plan


async def _plan(session: Session, owner: UUID, automation: Automation) -> Plan | None:
    if automation.strategy_id is None or automation.version is None:
        return None
    document = await automations.find_document(session, owner, automation.strategy_id, automation.version)
    if document is None:
        raise VersionNotFound("You have published no such version of a strategy: publish it first.")
    try:
        return read_plan(document)
    except UnusableDocument as unusable:
        raise StrategyUnusable(str(unusable)) from unusable
