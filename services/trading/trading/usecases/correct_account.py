"""Bring an account to what its broker says it has: by new entries, each written once, never by editing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import Event, record
from quant.markets.listing import Currency

from trading.domain import ledger as movements
from trading.domain.history import Adjusted
from trading.domain.ledger import Book
from trading.domain.position import Position
from trading.domain.request import AccountId
from trading.domain.settlement import MARKET_OF, local_day
from trading.errors import AccountNotFound
from trading.events import BalanceChanged, PositionChanged
from trading.store import accounts, history, ledger, positions


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many shares there are too few, or too many when negative, and what they cost."""

    symbol: str
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Differences to add. `id` comes from the evidence (a broker's report and its day), and counts once.

    With `moved_by_owner` they were brought in or taken away at the broker: no gain or loss, as a deposit is none.
    """

    id: str
    account_id: AccountId
    currency: Currency
    cash: Decimal = Decimal(0)
    shares: Shares | None = None
    moved_by_owner: bool = False


async def correct_account(session: Session, owner: UUID, correction: Correction, now: datetime) -> bool:
    """Write a correction; False when it was written before."""
    if await accounts.lock(session, owner, correction.account_id) is None:
        raise AccountNotFound("There is no account of this id.")
    key = f"correction:{correction.account_id}:{correction.id}"
    if await ledger.find_written(session, owner, key) or await history.find_written(session, owner, key):
        return False
    await ledger.save_opening(session, owner, correction.account_id, correction.currency)
    cost = correction.shares.cost if correction.shares else Decimal(0)
    against = Book.DEPOSITS if correction.moved_by_owner else Book.CORRECTIONS
    amounts = {Book.CASH: correction.cash, Book.SHARES: cost, against: -correction.cash - cost}
    facts: list[Event] = []
    if correction.cash or cost:
        cash = (correction.account_id, correction.currency)
        movement = movements.moved(key, "correction", cash, amounts, now)
        facts.append(BalanceChanged.of(await ledger.save(session, owner, movement)))
    if correction.shares is not None:
        facts.append(await _correct_shares(session, owner, correction, correction.shares, (key, now)))
    await record(session, *facts, owner=owner)
    return True


async def _correct_shares(
    session: Session, owner: UUID, correction: Correction, shares: Shares, written: tuple[str, datetime]
) -> Event:
    market = MARKET_OF[correction.currency]
    position = await positions.find(session, owner, correction.account_id, shares.symbol) or Position(
        account_id=correction.account_id, symbol=shares.symbol, market=market, currency=correction.currency
    )
    entry = Adjusted(
        booked=0,
        symbol=shares.symbol,
        market=market,
        currency=correction.currency,
        movement="correction",
        quantity=shares.quantity,
        cost=shares.cost,
        realized_profit=Decimal(0),
        ratio=None,
        on=local_day(correction.currency, written[1]),
    )
    await history.save_entry(session, owner, correction.account_id, entry, written)
    corrected = position.adjusted(shares.quantity, shares.cost, Decimal(0))
    await positions.save(session, owner, corrected)
    return PositionChanged.of(corrected)
