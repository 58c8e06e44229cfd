"""Tell an owner that a hook has said nothing for longer than it should."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.automation_events import HookTroubled
from trading.domain.hook import HookId, is_overdue
from trading.store import automations, hooks


async def miss_hook(session: Session, owner: UUID, hook_id: HookId, now: datetime) -> bool:
    """Announce the silence of a hook whose automation runs; tell whether there was anything to announce."""
    hook = await hooks.find(session, owner, hook_id)
    automation = None if hook is None else await automations.lock(session, owner, hook.automation_id)
    if hook is None or automation is None or not is_overdue(hook, automation.market, now):
        return False
    if not hook.may_tell(now):
        return False
    heard = f"since {hook.heard_at:%Y-%m-%d %H:%M} UTC" if hook.heard_at else "yet"
    trouble = f"No alert has come {heard}, and one is expected every {hook.expected_every_minutes} minutes."
    await hooks.save_told(session, owner, hook.id, now)
    await record(session, HookTroubled(hook_id=hook.id, name=hook.name, trouble=trouble), owner=owner)
    return True
