"""Read the course of a portfolio in one currency, from its snapshots until now."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Currency

from trading.domain.account import Balance
from trading.domain.performance import Course, Snapshot, course_of, until_now
from trading.domain.portfolio import Valued
from trading.domain.position import Position
from trading.domain.request import AccountId
from trading.domain.settlement import local_day
from trading.store import accounts, snapshots

SNAPSHOTS_MAX: Final = 5_000
"""Sessions of a course: twenty years."""


async def read_course(
    session: Session,
    owner: UUID,
    currency: Currency,
    balances: list[Balance],
    valued: Mapping[AccountId, list[Valued]],
    now: datetime,
) -> Course:
    """Put together the snapshots of these accounts since each began (anew), and what they are worth now."""
    everything: list[Snapshot] = []
    for balance in balances:
        if balance.currency != currency:
            continue
        began = await accounts.find_reset(session, owner, balance.account_id)
        taken = await snapshots.list_course(
            session, owner, currency, account_id=balance.account_id, since=began, limit=SNAPSHOTS_MAX
        )
        newest = await snapshots.find_newest(session, owner, balance.account_id, currency)
        after = newest.ledger_until if newest else 0
        flows = await snapshots.find_flows(session, owner, balance.account_id, currency, after=after)
        worth = [item for item in valued.get(balance.account_id, []) if _counts(item.position, currency)]
        present = Snapshot(
            account_id=balance.account_id,
            currency=currency,
            session_date=local_day(currency, now),
            cash=balance.cash,
            market_value=sum((item.market_value for item in worth), Decimal(0)),
            deposits=flows.deposits,
            withdrawals=flows.withdrawals,
            bought=flows.bought,
            sold=flows.sold,
            estimated=any(item.last_price is None for item in worth),
            ledger_until=flows.until,
            taken_at=now,
        )
        everything += until_now(taken, present)
    return Course(currency, course_of(everything))


def _counts(position: Position, currency: Currency) -> bool:
    return position.currency == currency and position.quantity > 0
