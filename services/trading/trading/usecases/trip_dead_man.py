"""Halt an account whose heartbeat has not come, and take back what is open in it."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.halt import Halt, HaltMode
from trading.domain.request import AccountId
from trading.store import dead_men
from trading.usecases.halt_trading import halt_trading


async def trip_dead_man(session: Session, owner: UUID, account_id: AccountId, now: datetime) -> int | None:
    """Halt and withdraw, once; return how many orders, or None when the heartbeat came after all.

    The switch is taken before any account is locked: accounts are locked all at once and in one sequence.
    """
    due = await dead_men.delete_due(session, owner, account_id)
    if due is None:
        return None
    reason = f"no heartbeat came for {due.seconds} seconds"
    halt = Halt(level="account", scope_id=account_id, mode=HaltMode.HALTED, reason=reason, halted_at=now)
    return await halt_trading(session, owner, halt, now)
