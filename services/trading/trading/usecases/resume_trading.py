"""Release the kill switch of an account, a strategy, or of everything an owner has."""

from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.halt import HaltLevel
from trading.domain.request import AccountId
from trading.errors import NotHalted
from trading.store import accounts, halts
from trading.switch_events import HaltChanged


async def resume_trading(session: Session, owner: UUID, level: HaltLevel, scope_id: UUID) -> None:
    """Let orders through again, as far as no other switch is thrown."""
    await accounts.lock_all(session, owner)
    if not await halts.delete_one(session, owner, level, scope_id):
        raise NotHalted("Trading is not halted there: look at GET /api/v1/trading/halts.")
    if level == "account":
        await accounts.save_halted(session, owner, AccountId(scope_id), halted=False)
    fact = HaltChanged(level=level, scope_id=scope_id, mode=None, reason=None, by=owner)
    await record(session, fact, owner=owner)
