"""Settle what is due in an account: on its settlement date money that was owed and expected becomes cash."""

from datetime import date, datetime
from uuid import UUID

from kit.db import Session
from kit.events import record
from quant.markets.listing import Currency

from trading.domain.account import Balance
from trading.domain.request import AccountId
from trading.domain.settlement import due, settlement
from trading.events import BalanceChanged
from trading.store import accounts, ledger, unsettled


async def settle_account(
    session: Session, owner: UUID, cash: tuple[AccountId, Currency], day: date, now: datetime
) -> Balance | None:
    """Settle everything due in one currency on or before a market day. None when nothing was: asking again is free."""
    account_id, currency = cash
    await accounts.lock(session, owner, account_id)
    balance = None
    for item in due(await unsettled.list_pending(session, owner, account_id, currency), day):
        balance = await ledger.save(session, owner, settlement(item, now))
        await unsettled.delete_settled(session, owner, item)
    if balance is not None:
        await record(session, BalanceChanged.of(balance), owner=owner)
    return balance
