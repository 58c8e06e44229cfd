"""Write down what has become of a signal, and tell it."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.automation_events import SignalSettled
from trading.domain.signal import Signal, SignalStatus
from trading.store import signals


async def settle_signal(
    session: Session, owner: UUID, signal: Signal, name: str, end: tuple[SignalStatus, str | None], now: datetime
) -> Signal:
    """Bring a locked signal to its end; `name` is that of its automation."""
    settled = signal.then(end[0], now, end[1])
    await signals.save(session, owner, settled)
    await record(session, SignalSettled.of(settled, name), owner=owner)
    return settled
