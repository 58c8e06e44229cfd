"""Keep what an account was worth after a session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Currency

from trading.domain.performance import Snapshot
from trading.domain.portfolio import Valued
from trading.domain.request import AccountId
from trading.store import accounts, positions, snapshots

POSITIONS_MAX = 5_000
"""Positions of one account, those sold out included: more than there are instruments to trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Which account, in which currency, after which session."""

    account_id: AccountId
    currency: Currency
    session_date: date


async def take_snapshot(
    session: Session, owner: UUID, closing: Closing, prices: Mapping[str, Decimal], now: datetime
) -> Snapshot:
    """Add up cash and shares, and what moved since the snapshot before. Shares without a price count at cost."""
    await accounts.lock(session, owner, closing.account_id)
    balance = await accounts.find_balance(session, owner, closing.account_id, closing.currency)
    found = await positions.list_all(session, owner, positions_max=POSITIONS_MAX, account_id=closing.account_id)
    valued = [
        Valued(position=position, last_price=prices.get(position.symbol))
        for position in found
        if position.quantity and position.currency == closing.currency
    ]
    before = await snapshots.find_newest(session, owner, closing.account_id, closing.currency)
    after = before.ledger_until if before else 0
    flows = await snapshots.find_flows(session, owner, closing.account_id, closing.currency, after=after)
    snapshot = Snapshot(
        account_id=closing.account_id,
        currency=closing.currency,
        session_date=closing.session_date,
        cash=balance.cash,
        market_value=sum((item.market_value for item in valued), Decimal(0)),
        deposits=flows.deposits,
        withdrawals=flows.withdrawals,
        bought=flows.bought,
        sold=flows.sold,
        estimated=any(item.last_price is None for item in valued),
        ledger_until=flows.until,
        taken_at=now,
    )
    await snapshots.save(session, owner, snapshot)
    return snapshot
