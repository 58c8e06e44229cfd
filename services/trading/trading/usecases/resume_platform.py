"""Release the kill switch of the whole platform, after it has cooled off."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.halt import GLOBAL_COOL_OFF
from trading.errors import CoolingOff, NotHalted
from trading.events import HaltChanged
from trading.store import system


async def resume_platform(session: Session, by: UUID, now: datetime) -> None:
    """Let everybody trade again, as far as they have not halted themselves."""
    halt = await system.find_halt(session)
    if halt is None:
        raise NotHalted("The platform is not halted.")
    resumable_at = halt.halted_at + GLOBAL_COOL_OFF
    if now < resumable_at:
        raise CoolingOff(f"The platform can resume at {resumable_at.isoformat()}: look at what happened until then.")
    await system.delete_halt(session)
    await record(session, HaltChanged(level="global", scope_id=None, mode=None, reason=None, by=by), owner=None)
