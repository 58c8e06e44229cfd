"""Throw the kill switch of the whole platform, or of everything that goes to one broker."""

from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.halt import MANY, Halt
from trading.store import system
from trading.switch_events import HaltChanged


async def halt_platform(session: Session, halt: Halt, by: UUID) -> None:
    """Halt many. Orders that are being decided are waited for; the worker cancels what is open, soon after."""
    assert halt.level in MANY, "a switch of one owner's is their own"
    await system.save_halt(session, halt, by)
    fact = HaltChanged(level=halt.level, scope_id=None, mode=halt.mode, reason=halt.reason, by=by, broker=halt.broker)
    await record(session, fact, owner=None)
