"""Throw the kill switch of the whole platform."""

from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.halt import Halt
from trading.events import HaltChanged
from trading.store import system


async def halt_platform(session: Session, halt: Halt, by: UUID) -> None:
    """Halt everybody. Orders that are being decided are waited for; the worker cancels what is open, soon after."""
    await system.save_halt(session, halt, by)
    fact = HaltChanged(level="global", scope_id=None, mode=halt.mode, reason=halt.reason, by=by)
    await record(session, fact, owner=None)
