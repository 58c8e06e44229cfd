"""Write down what has become of a signal, and tell it."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.automation_events import SignalSettled
from trading.domain.signal import Signal, SignalStatus
from trading.store import signals
from trading.store.together import write


async def settle_signal(
    session: Session, owner: UUID, signal: Signal, name: str, end: tuple[SignalStatus, str | None], now: datetime
) -> Signal:
    """Bring a locked signal to its end; `name` is that of its automation."""
    settled = signal.then(end[0], now, end[1])
    await write(session, signals.changing(owner, settled), facts=[SignalSettled.of(settled, name)], owner=owner)
    return settled
