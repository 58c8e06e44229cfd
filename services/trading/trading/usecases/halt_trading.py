"""Throw the kill switch of an account, a strategy or a person: no new orders, and the open ones are canceled."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.halt import MANY, Halt, HaltMode
from trading.domain.request import AccountId
from trading.errors import AccountNotFound
from trading.store import accounts, halts
from trading.switch_events import HaltChanged
from trading.usecases.cancel_orders import cancel_orders

REASON = "trading_halted"


async def halt_trading(session: Session, owner: UUID, halt: Halt, now: datetime) -> int:
    """Halt, and withdraw open orders, in one transaction; return how many.

    The accounts are locked first: an order that was being decided is open by now, and canceled with the others.
    """
    assert halt.scope_id is not None and halt.level not in MANY, "a switch of many is the system's"  # noqa: PT018
    concerned = [account.id for account in await accounts.lock_all(session, owner)]
    if halt.level == "account":
        concerned = [account_id for account_id in concerned if account_id == halt.scope_id]
        if not concerned:
            raise AccountNotFound("You have no account of this id.")
        halted = halt.mode is HaltMode.HALTED
        await accounts.save_halted(session, owner, AccountId(halt.scope_id), halted=halted)
    await halts.save(session, owner, halt)
    fact = HaltChanged(level=halt.level, scope_id=halt.scope_id, mode=halt.mode, reason=halt.reason, by=owner)
    await record(session, fact, owner=owner)
    canceled = 0
    for account_id in concerned:
        canceled += len(await cancel_orders(session, owner, account_id, now, halt.withdraws, REASON))
    return canceled
