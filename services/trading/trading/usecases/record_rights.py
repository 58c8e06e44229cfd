"""Record whether somebody may trade with real money; when they may no longer, nothing buys with it any more."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.automation_events import AutomationChanged
from trading.domain.automation import Status
from trading.store import accounts, automations, rights
from trading.store.rights import Rights
from trading.usecases.cancel_orders import cancel_orders

REASON = "the permission to trade with real money was taken away"


async def record_rights(session: Session, owner: UUID, said: Rights, now: datetime) -> None:
    """Keep the newest word. Taken away, open buys of live accounts are withdrawn and automations there pause.

    What sells goes on: exits, stops of sales, and cancels. The same news again changes nothing.
    """
    live = [account.id for account in await accounts.lock_all(session, owner) if account.kind == "live"]
    if not await rights.save(session, owner, said) or said.live:
        return
    for account_id in live:
        await cancel_orders(session, owner, account_id, now, lambda order: order.side == "buy", "live_not_permitted")
        for automation_id in await automations.list_running(session, owner, account_id):
            automation = await automations.lock(session, owner, automation_id)
            if automation is not None and automation.status is Status.RUNNING:
                paused = automation.then(Status.PAUSED, now, REASON)
                await automations.save(session, owner, paused)
                await record(session, AutomationChanged.of(paused), owner=owner)
