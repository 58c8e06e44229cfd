"""Take a queued alert of a hook: raise its signal, or say why it is none."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.automation_events import HookTroubled
from trading.domain.automation import Automation
from trading.domain.hook import Alert, HookId, Unreadable, read_alert, unknown_in
from trading.domain.quote import Quote
from trading.domain.signal import Signal, SignalId
from trading.store import automations, hooks, signals
from trading.usecases.raise_signals import Said, raise_signals


@dataclass(frozen=True, slots=True)
class Queued:
    """An alert that waits to be taken."""

    hook_id: HookId
    alert_key: str
    body: dict[str, Any]


async def take_alert(
    session: Session, owner: UUID, queued: Queued, quote: Quote | None, signal_id: SignalId, now: datetime
) -> Signal | None:
    """End a queued alert, once; what is wrong with it is told to its owner, now and then."""
    hook = await hooks.find(session, owner, queued.hook_id)
    automation = None if hook is None else await automations.find(session, owner, hook.automation_id)
    key = (queued.hook_id, queued.alert_key)
    if hook is None or automation is None:
        await hooks.settle(session, owner, key, ("refused", "the hook or its automation is gone"), now)
        return None
    try:
        alert, price = await _followed(session, owner, automation, queued, quote)
    except Unreadable as why:
        ended = await hooks.settle(session, owner, key, ("refused", str(why)), now)
        trouble: str | None = f"An alert was not followed: {why}."
        signal = None
    else:
        unknown = unknown_in(queued.body)
        trouble = f"These fields mean nothing here: {', '.join(unknown)}." if unknown else None
        ended = await hooks.settle(session, owner, key, ("done", trouble), now)
        said = Said(id=signal_id, symbol=alert.symbol, side=alert.side, kind="hook", price=price)
        signal = (await raise_signals(session, owner, [(automation, said)], now))[0] if ended else None
    if ended and trouble is not None and hook.may_tell(now):
        await hooks.save_told(session, owner, hook.id, now)
        await record(session, HookTroubled(hook_id=hook.id, name=hook.name, trouble=trouble), owner=owner)
    return signal


async def _followed(
    session: Session, owner: UUID, automation: Automation, queued: Queued, quote: Quote | None
) -> tuple[Alert, Decimal]:
    """What an alert asks of an automation, and at which price; Unreadable when it cannot be followed."""
    alert = read_alert(queued.body, automation.market)
    if alert.symbol not in automation.symbols:
        raise Unreadable(f"{alert.symbol} is none of the automation's symbols")
    price = alert.price or (quote.price if quote else None)
    if price is None:
        raise Unreadable(f"there is no price of {alert.symbol}, in the alert or in the market")
    if await signals.find_pending(session, owner, automation.id, alert.symbol) is not None:
        raise Unreadable(f"a signal about {alert.symbol} is still waiting")
    return alert, price
