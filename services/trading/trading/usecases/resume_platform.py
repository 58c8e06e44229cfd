"""Release the kill switch of the whole platform, or of one broker, after it has cooled off."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.halt import COOL_OFF
from trading.errors import CoolingOff, NotHalted
from trading.store import system
from trading.switch_events import HaltChanged


async def resume_platform(session: Session, by: UUID, now: datetime, broker: str | None = None) -> None:
    """Let many trade again, as far as they have not halted themselves; everybody when no broker is named."""
    thrown = next((halt for halt in await system.list_halts(session) if halt.broker == broker), None)
    if thrown is None:
        raise NotHalted("This switch is not thrown: look at GET /api/v1/trading/halts.")
    resumable_at = thrown.halted_at + COOL_OFF
    if now < resumable_at:
        raise CoolingOff(f"Trading can resume at {resumable_at.isoformat()}: look at what happened until then.")
    await system.delete_halt(session, thrown)
    fact = HaltChanged(level=thrown.level, scope_id=None, mode=None, reason=None, by=by, broker=broker)
    await record(session, fact, owner=None)
