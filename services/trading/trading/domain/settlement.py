"""When money of a trade really moves: by the calendar of the exchange, and on paper by the day that is replayed.

What trades of one day leave to be settled is one `Unsettled` for each settlement date. Two rules keep settled cash from
ever going below zero. A payment waits at least as long as the proceeds that are under way, for they may be what it was
made with (real days never run backwards and obey this by themselves; replayed days may). And everything that is due on
or before a day settles together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Final

from quant.markets.calendar import (
    NEW_YORK,
    SEOUL,
    is_session,
    next_session,
    previous_session,
    session_hours,
)
from quant.markets.listing import Currency, Market

from trading.domain.account import Balance
from trading.domain.ledger import Book, Transaction, moved
from trading.domain.request import AccountId, Execution

ZERO: Final = Decimal(0)
MARKET_OF: Final[dict[Currency, Market]] = {"KRW": "KRX", "USD": "US"}
ZONE_OF: Final[dict[Currency, tzinfo]] = {"KRW": SEOUL, "USD": NEW_YORK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """What trades bring (`incoming`) and take (`outgoing`) on one settlement date.

    `opened_by` is the first execution in it, by which its settlement is known for ever; `symbol` the newest's, whose
    quotes tell how far a replay has come. `replayed` is true while all of it was traded on replayed days.
    """

    account_id: AccountId
    currency: Currency
    settles_on: date
    opened_by: str
    symbol: str
    replayed: bool
    incoming: Decimal
    outgoing: Decimal

    @property
    def net(self) -> Decimal:
        """What it will add to settled cash."""
        return self.incoming - self.outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Settled cash now (D), after the next session (D+1) and when all is settled (D+2), and what may be withdrawn."""

    day: date
    settled: Decimal
    next_day: Decimal
    all_settled: Decimal
    withdrawable: Decimal


def local_day(currency: Currency, moment: datetime) -> date:
    """The date at the exchange of a currency."""
    return moment.astimezone(ZONE_OF[currency]).date()


def last_close(currency: Currency, moment: datetime) -> tuple[date, datetime]:
    """The last session of a currency's exchange that had closed by a moment, and when it did."""
    market, day = MARKET_OF[currency], local_day(currency, moment)
    if not is_session(market, day) or session_hours(market, day).close > moment:
        day = previous_session(market, day)
    return day, session_hours(market, day).close


def unsettled_by(execution: Execution, movement: Transaction, symbol: str, pending: Iterable[Unsettled]) -> Unsettled:
    """What an execution leaves to be settled, given what is pending already in its currency."""
    incoming, outgoing = movement.total(Book.RECEIVABLE), -movement.total(Book.PAYABLE)
    settles_on = execution.settlement_date
    if outgoing:
        settles_on = max([settles_on, *(item.settles_on for item in pending if item.incoming)])
    return Unsettled(
        account_id=movement.account_id,
        currency=movement.currency,
        settles_on=settles_on,
        opened_by=execution.execution_id,
        symbol=symbol,
        replayed=execution.trade_date != local_day(movement.currency, execution.executed_at),
        incoming=incoming,
        outgoing=outgoing,
    )


def due(pending: Iterable[Unsettled], day: date | None) -> list[Unsettled]:
    """What has to settle on a market day, earliest first."""
    if day is None:
        return []
    return sorted((item for item in pending if item.settles_on <= day), key=lambda item: item.settles_on)


def market_day(replayed: Iterable[bool], quoted: Iterable[date], today: date) -> date | None:
    """The day it is for an account: the newest its quotes tell of, or today where it traded on a day not replayed."""
    days = [*quoted, *(today for is_replayed in replayed if not is_replayed)]
    return max(days, default=None)


def settlement(item: Unsettled, at: datetime) -> Transaction:
    """The settlement itself: what was owed and expected becomes cash."""
    amounts = {Book.RECEIVABLE: -item.incoming, Book.PAYABLE: item.outgoing, Book.CASH: item.net}
    return moved(f"settlement:{item.opened_by}", "settle", (item.account_id, item.currency), amounts, at)


def forecast(balance: Balance, pending: Sequence[Unsettled], day: date) -> Forecast:
    """What a balance becomes as its trades settle.

    No day on the way may see less than what is withdrawn, and what open buys hold will be paid last.
    """
    tomorrow = next_session(MARKET_OF[balance.currency], day)
    running = lowest = balance.settled
    next_day = balance.settled
    for item in sorted(pending, key=lambda item: item.settles_on):
        running += item.net
        lowest = min(lowest, running)
        if item.settles_on <= tomorrow:
            next_day = running
    return Forecast(
        day=day,
        settled=balance.settled,
        next_day=next_day,
        all_settled=running,
        withdrawable=max(ZERO, min(lowest, balance.available)),
    )
