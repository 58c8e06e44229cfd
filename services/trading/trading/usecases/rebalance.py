"""Act on a choice of portfolios: end the due run, and raise a signal for each order it asks for, sales first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session

from trading.domain.automation import Automation, Phase
from trading.domain.basket import MANY, Basket, Choice, Move, moves_after
from trading.domain.day import day_began
from trading.domain.plan import Plan
from trading.domain.signal import Signal, SignalId
from trading.domain.trip import Holdings, Trip
from trading.store import automations, runs, signals
from trading.store.runs import Settlement
from trading.usecases.raise_signals import Said, raise_signals

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A close at which was chosen: for which session, and what the run's end says of it."""

    automation: Automation
    plan: Plan
    basket: Basket
    choice: Choice
    scheduled_at: datetime
    act_on: date
    outcome: dict[str, Any]
    epoch: int


async def rebalance(
    session: Session, owner: UUID, judged: Chosen, next_id: Callable[[], SignalId], now: datetime
) -> list[Signal]:
    """End the due run and raise its signals, in one transaction; none when it was ended before."""
    known = judged.automation
    run = (Phase.EVALUATE, MANY, judged.scheduled_at)
    if not await runs.settle(session, owner, known.id, run, Settlement("done", judged.outcome, judged.epoch), now):
        return []
    automation = await automations.find(session, owner, known.id) or known
    trips = {trip.symbol: trip for trip in await signals.list_open_trips(session, owner, automation.id)}
    held, worth = await _standing(session, owner, judged, trips, now)
    moves = moves_after(judged.choice, judged.basket, held, worth, judged.plan.portion)
    if automation.mode == "notify":  # what is not held cannot be traded back to its part
        moves = [move for move in moves if move.target is None or move.symbol not in held]
    said = [
        (automation, _said(judged, move, trips.get(move.symbol), next_id()))
        for move in moves
        if await signals.find_pending(session, owner, automation.id, move.symbol) is None
    ]
    return await raise_signals(session, owner, said, now)


async def _standing(
    session: Session, owner: UUID, judged: Chosen, trips: dict[str, Trip], now: datetime
) -> tuple[dict[str, Decimal], Decimal]:
    """The shares that are held, and what they and the money are worth at this close.

    What only notes its signals holds what it last said to buy, of no particular size.
    """
    automation, choice = judged.automation, judged.choice
    if automation.mode == "notify":
        said = await signals.list_bought(session, owner, automation.id)
        return dict.fromkeys(said, Decimal(1)), automation.capital
    money = await signals.find_money(session, owner, automation.id, day_began(automation.market, now))
    worth, held = automation.capital + money.profit, {}
    for symbol, trip in trips.items():
        holdings = await signals.find_holdings(session, owner, trip.id)
        held[symbol] = holdings.left
        worth += holdings.cash_flow + holdings.left * choice.closes.get(symbol, _paid_for(holdings))
    return held, worth


def _paid_for(holdings: Holdings) -> Decimal:
    """What a share is worth that did not trade on the day: what it was bought at, for want of anything newer."""
    return holdings.average_price or ZERO


def _said(judged: Chosen, move: Move, trip: Trip | None, signal_id: SignalId) -> Said:
    return Said(
        id=signal_id,
        symbol=move.symbol,
        side="buy" if move.kind == "entry" else "sell",
        kind=move.kind,
        price=judged.choice.closes[move.symbol],
        bar=judged.scheduled_at,
        act_on=judged.act_on,
        trip_id=trip.id if trip else None,
        target=move.target,
    )
