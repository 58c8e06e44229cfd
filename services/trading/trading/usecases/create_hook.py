"""Give an automation a hook."""

from uuid import UUID

from kit.db import Session

from trading.domain.hook import Hook
from trading.errors import AutomationNotFound, HookLimit
from trading.store import automations, hooks

HOOKS_MAX = 50


async def create_hook(session: Session, owner: UUID, hook: Hook) -> None:
    """Keep a hook of one of the owner's automations."""
    if await automations.lock(session, owner, hook.automation_id) is None:
        raise AutomationNotFound("You have no automation of this id.")
    if await hooks.count(session, owner) >= HOOKS_MAX:
        raise HookLimit(f"One may have {HOOKS_MAX} hooks: delete one first.")
    await hooks.save_new(session, owner, hook)
