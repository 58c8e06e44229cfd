"""Reconcile an account with what its broker shows: adopt strangers, correct what is confirmed, freeze on what is new.

Nothing is written by a report that says nothing new.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from kit.db import Session
from kit.events import record

from trading.domain.account import Account
from trading.domain.halt import Halt, HaltMode
from trading.domain.position import Position
from trading.domain.quote import Quote
from trading.domain.reconciliation import (
    AccountReport,
    Booked,
    Compared,
    Difference,
    Seen,
    Verdict,
    compare,
    is_overtaken,
    judge,
)
from trading.domain.request import AccountId, OrderId
from trading.reconciliation_events import AccountMismatched
from trading.store import accounts, connections, halts, orders, positions, reconciliations
from trading.switch_events import HaltChanged
from trading.usecases.adopt_order import adopt_order
from trading.usecases.correct_account import Correction, Shares, correct_account

POSITIONS_MAX: Final = 10_000
REASON: Final = "The account is not as its broker shows it: compare the two, then resume."

log = structlog.get_logger()


async def reconcile_account(
    session: Session, owner: UUID, report: AccountReport, quotes: Mapping[str, Quote], now: datetime
) -> Verdict | None:
    """Compare, and do what follows; None when no account is bound to the connection, or the report is overtaken."""
    bound = await connections.find_account(session, owner, report.connection_id)
    account = None if bound is None else await accounts.lock(session, owner, AccountId(bound))
    if account is None:
        return None
    booked = await _booked(session, owner, report)
    if is_overtaken(report, booked):
        return None
    compared, held = await _compared(session, owner, account, report, booked)
    earlier = await reconciliations.find(session, owner, account.id)
    verdict, open_lines = judge(earlier, compared), compared.lines
    if verdict in {Verdict.OPENING, Verdict.CONFIRMED}:
        is_whole = await _correct(session, owner, account, (report, compared, held), earlier, now)
        open_lines = () if is_whole else compared.lines
    elif verdict is Verdict.MISMATCHED:
        await _freeze(session, owner, account, compared, now)
    await _adopt(session, owner, account, report, quotes)
    await _settle_costs(session, owner, account, report, compared, now)
    if earlier is None or earlier.differences != open_lines:
        await reconciliations.save(session, owner, account.id, Seen(open_lines, report.read_at))
    return verdict


async def _booked(session: Session, owner: UUID, report: AccountReport) -> dict[OrderId, Booked]:
    found = await orders.list_some(session, owner, [report.id_of(order) for order in report.orders])
    return {order.id: Booked(quantity=order.filled_quantity, value=order.filled_value) for order in found}


async def _compared(
    session: Session, owner: UUID, account: Account, report: AccountReport, booked: Mapping[OrderId, Booked]
) -> tuple[Compared, dict[str, Position]]:
    held = await positions.list_all(session, owner, positions_max=POSITIONS_MAX, account_id=account.id)
    balance = await accounts.find_balance(session, owner, account.id, report.currency)
    return compare(report, booked, held, balance.cash), {position.symbol: position for position in held}


async def _correct(
    session: Session,
    owner: UUID,
    account: Account,
    seen: tuple[AccountReport, Compared, Mapping[str, Position]],
    earlier: Seen | None,
    now: datetime,
) -> bool:
    """Write what the broker has and we have not, once for each time it was first seen; tell whether all could be.

    In a live account it counts as brought in or taken away by its owner, so that no figure calls it a gain or a loss.
    """
    report, compared, held = seen
    is_whole = True
    since = "opening" if earlier is None else earlier.seen_at.isoformat()
    prices = {holding.symbol: holding.average_price for holding in report.holdings}
    for difference in compared.differences:
        evidence = hashlib.sha256(f"{report.connection_id}:{since}:{difference.line}".encode()).hexdigest()
        correction = Correction(
            id=f"{difference.what}:{evidence[:32]}",
            account_id=account.id,
            currency=report.currency,
            cash=difference.amount if difference is compared.cash else Decimal(0),
            shares=None if difference is compared.cash else _shares(difference, held, prices),
            moved_by_owner=account.kind == "live",
        )
        if await _can_bear(session, owner, correction, held):
            await correct_account(session, owner, correction, now)
        else:
            is_whole = False
            log.error("a difference cannot be corrected", account=str(account.id), difference=difference.line)
    return is_whole


def _shares(difference: Difference, held: Mapping[str, Position], prices: Mapping[str, Decimal]) -> Shares:
    """Shares more at what they cost there, shares fewer at what they cost here."""
    quantity, position = difference.amount, held.get(difference.what)
    if quantity > 0 or position is None or not position.quantity:
        cost = quantity * prices.get(difference.what, Decimal(0))
    elif position.quantity + quantity <= 0:
        cost = -position.cost
    else:
        cost = (position.cost * quantity / position.quantity).quantize(Decimal("0.00000001"))
    return Shares(symbol=difference.what, quantity=quantity, cost=cost)


async def _can_bear(session: Session, owner: UUID, correction: Correction, held: Mapping[str, Position]) -> bool:
    """Whether it takes nothing that open orders have set aside; else they have to end first."""
    if correction.shares is not None:
        position = held.get(correction.shares.symbol)
        return correction.shares.quantity + (position.quantity - position.held if position else 0) >= 0
    balance = await accounts.find_balance(session, owner, correction.account_id, correction.currency)
    return balance.available + correction.cash >= 0 and balance.settled + correction.cash >= 0


async def _freeze(session: Session, owner: UUID, account: Account, compared: Compared, now: datetime) -> None:
    """Let nothing through but sales, unless a switch is thrown already; open orders stay as they are."""
    log.error("an account is not as its broker shows it", account=str(account.id), differences=compared.lines)
    await record(session, AccountMismatched.of(account, compared.differences), owner=owner)
    thrown = await halts.list_all(session, owner)
    if any(halt.level == "account" and halt.scope_id == account.id for halt in thrown):
        return
    halt = Halt(level="account", scope_id=account.id, mode=HaltMode.REDUCE_ONLY, reason=REASON, halted_at=now)
    await halts.save(session, owner, halt)
    fact = HaltChanged(level="account", scope_id=account.id, mode=halt.mode, reason=REASON, by=owner)
    await record(session, fact, owner=owner)


async def _adopt(
    session: Session, owner: UUID, account: Account, report: AccountReport, quotes: Mapping[str, Quote]
) -> None:
    for order in report.orders:
        if order.order_id is None and (order.is_open or order.filled_quantity):
            await adopt_order(session, owner, account, (report, order), quotes.get(order.symbol))


async def _settle_costs(
    session: Session, owner: UUID, account: Account, report: AccountReport, compared: Compared, now: datetime
) -> None:
    """Book what the broker charged otherwise than the schedule of fees says."""
    if not compared.costs:
        return
    correction = Correction(
        id=f"costs:{report.read_at.isoformat()}", account_id=account.id, currency=report.currency, cash=compared.costs
    )
    if await _can_bear(session, owner, correction, {}):
        await correct_account(session, owner, correction, now)
