"""Act on signals whose account is locked: size them, and place their orders by the one path that every order takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from kit.db import Session
from quant.fees import commission_rate
from quant.markets.ticks import ceil_to_tick

from trading.automation_events import SignalSettled
from trading.domain.account import Account
from trading.domain.automation import ZERO, Automation, AutomationId, Status, breach_of, shares_for, stake
from trading.domain.day import day_began
from trading.domain.halt import Halt, HaltMode, strictest
from trading.domain.limits import Limits
from trading.domain.order import Status as OrderStatus
from trading.domain.plan import Plan
from trading.domain.quote import Quote
from trading.domain.request import OrderId, OrderRequest
from trading.domain.signal import Signal, SignalStatus, timing
from trading.domain.trip import Holdings, Trip, TripId
from trading.errors import ClientOrderIdReused
from trading.store import halts, orders, positions
from trading.store.automation import portions
from trading.store.automation.portions import About
from trading.store.signals import Money
from trading.store.together import write
from trading.usecases.breach_automation import breach_automation
from trading.usecases.place_in_account import place_in_account
from trading.usecases.put_question import Asked
from trading.usecases.withdraw_order import withdraw_order

ROOM: Final = Decimal("0.01")
"""A buy has a limit that far above the last price: it fills at once, and never at any price."""


class _Leave(Exception):
    """Nothing is ordered: why."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A signal that waits, as it was read, and what its order is made of if it waits still."""

    signal: Signal
    plan: Plan | None
    quote: Quote | None
    order_id: OrderId


@dataclass(frozen=True, slots=True)
class Locked:
    """What the transaction keeps as it is: an account, locked to trade, and automations of it."""

    owner: UUID
    account: Account
    automations: Mapping[AutomationId, Automation]


@dataclass(frozen=True, slots=True)
class _Basis:
    """What is there for all of them, read after the locks."""

    halts: Sequence[Halt]
    trips: Mapping[About, Trip]
    holdings: Mapping[TripId, Holdings]
    money: Mapping[AutomationId, Money]


@dataclass(frozen=True, slots=True)
class _Acting:
    """A signal whose moment has come, and everything its order is made of."""

    locked: Locked
    basis: _Basis
    signal: Signal
    plan: Plan | None
    quote: Quote
    order_id: OrderId
    now: datetime

    @property
    def automation(self) -> Automation:
        return self.locked.automations[self.signal.automation_id]

    @property
    def trip(self) -> Trip | None:
        """What the automation has of the symbol."""
        return self.basis.trips.get(_about(self.signal))

    def request(self, quantity: Decimal, limit: Decimal | None) -> OrderRequest:
        """The order: at market without a limit."""
        automation, signal = self.automation, self.signal
        return OrderRequest(
            id=self.order_id,
            account_id=automation.account_id,
            client_order_id=f"signal-{signal.id}",
            symbol=signal.symbol,
            market=automation.market,
            venue=automation.market,
            currency=automation.currency,
            side=signal.side,
            order_type="market" if limit is None else "limit",
            quantity=quantity,
            limit_price=limit,
            stop_price=None,
            time_in_force="day",
            strategy_id=automation.strategy_id,
        )


async def act_on_locked(
    session: Session, locked: Locked, turns: Sequence[Turn], limits: Limits, now: datetime
) -> list[Signal]:
    """Turn waiting signals into orders, or say why they are none; return those that have come to their end.

    They are of one account, and each of another automation: so nothing that is read for all of them is changed by one.
    Nobody else can change them before this transaction ends. The client order id is the signal's, so that a signal has
    one order, whoever acts on it and however often.
    """
    owner, automations = locked.owner, locked.automations
    assert len({turn.signal.automation_id for turn in turns}) == len(turns), "one signal of each automation at a time"
    ended, timely = [], []
    for turn in turns:
        when = timing(turn.signal, turn.quote, now)
        if when == "late":
            ended.append(turn.signal.then(SignalStatus.EXPIRED, now, "too late: its moment has passed"))
        elif when == "act":
            timely.append(turn)
    basis = await _read(session, locked, [turn.signal for turn in timely], now)
    begun = []
    for turn in timely:
        assert turn.quote is not None, "there is no moment to act without a price"
        acting = _Acting(locked, basis, turn.signal, turn.plan, turn.quote, turn.order_id, now)
        settled, trip = await _act(session, acting, limits)
        ended.append(settled)
        begun += [trip] if trip else []
    if ended:
        new = [portions.beginning(owner, begun)] if begun else []
        facts = [SignalSettled.of(each, automations[each.automation_id].name) for each in ended]
        await write(session, *new, portions.changing(owner, ended), facts=facts, owner=owner)
    return ended


async def _read(session: Session, locked: Locked, timely: Sequence[Signal], now: datetime) -> _Basis:
    """Read what the signals' automations have; nothing when there is none to act on."""
    if not timely:
        return _Basis((), {}, {}, {})
    owner = locked.owner
    thrown = await halts.list_all(session, owner)
    trips = await portions.lock_trips(session, owner, [_about(signal) for signal in timely])
    holdings = await portions.list_holdings(session, owner, [trip.id for trip in trips.values()]) if trips else {}
    buying = {signal.automation_id for signal in timely if signal.side == "buy"}
    began = {each: day_began(locked.automations[each].market, now) for each in buying}
    money = await portions.list_money(session, owner, began) if buying else {}
    return _Basis(thrown, trips, holdings, money)


async def _act(session: Session, acting: _Acting, limits: Limits) -> tuple[Signal, Trip | None]:
    """Place the order of a signal, or none; return what has become of it, and the trip that it begins."""
    locked, signal, now = acting.locked, acting.signal, acting.now
    try:
        _check(acting)
        size = _size_of_buy if signal.side == "buy" else _size_of_sale
        request = await size(session, acting)
    except _Leave as why:
        return signal.then(SignalStatus.SKIPPED, now, str(why)), None
    try:
        asked = Asked(request=request, quote=acting.quote, limits=limits, now=now)
        order = (await place_in_account(session, locked.owner, locked.account, asked)).order
    except ClientOrderIdReused as taken:  # its owner took the id for an order of another kind
        return signal.then(SignalStatus.REFUSED, now, f"{taken.CODE}: {taken}"), None
    if order.status is OrderStatus.DENIED:
        refused = signal.of_order(order.id, None)
        return refused.then(SignalStatus.REFUSED, now, f"{order.reason}: {order.detail}"), None
    begun = None
    if acting.trip is None:
        begun = Trip(
            id=TripId(signal.id),
            automation_id=signal.automation_id,
            account_id=acting.automation.account_id,
            symbol=signal.symbol,
            entry_order_id=order.id,
            opened_at=now,
        )
    trip = begun or acting.trip
    assert trip is not None
    return signal.of_order(order.id, trip.id).then(SignalStatus.ORDERED, now), begun


def _about(signal: Signal) -> About:
    return signal.automation_id, signal.symbol


def _check(acting: _Acting) -> None:
    """Ask what stands against acting at all: the automation itself, and halts of its strategy."""
    automation, side = acting.automation, acting.signal.side
    if automation.status is Status.STOPPED:
        raise _Leave("the automation is stopped")
    scopes, thrown = {automation.id, automation.strategy_id}, acting.basis.halts
    mode = strictest(frozenset(halt.mode for halt in thrown if halt.level == "strategy" and halt.scope_id in scopes))
    if mode is HaltMode.HALTED or (mode is HaltMode.REDUCE_ONLY and side == "buy"):
        raise _Leave("the strategy is halted")
    if side == "buy" and automation.status is not Status.RUNNING:
        raise _Leave(f"the automation is paused: {automation.reason or 'by its owner'}")
    if side == "buy" and not automation.may_enter(acting.quote.trading_date, acting.now):
        raise _Leave("its schedule does not buy at this time")


async def _size_of_buy(session: Session, acting: _Acting) -> OrderRequest:
    automation, plan, quote, trip = acting.automation, acting.plan, acting.quote, acting.trip
    if trip is not None and acting.signal.target is None:
        raise _Leave("it has this symbol already")
    money = acting.basis.money[automation.id]
    if (reason := breach_of(automation, money.profit_today)) is not None:
        await breach_automation(session, acting.locked.owner, automation, reason, acting.now)
        raise _Leave(f"{reason}: paused")
    if automation.orders_per_day_max is not None and money.orders_today >= automation.orders_per_day_max:
        raise _Leave(f"it has placed {money.orders_today} orders today, which is its limit")
    if acting.signal.target is None and money.open_trips >= automation.positions_max:
        raise _Leave(f"it has {money.open_trips} positions, which is its limit")
    limit = ceil_to_tick(quote.price * (1 + ROOM), quote.board, quote.kind, quote.trading_date)
    if quote.band is not None:
        limit = min(limit, quote.band.upper)
    rate = commission_rate(automation.market, plan.fee_schedule if plan else "default")
    if acting.signal.target is None:
        amount = stake(automation, plan.portion if plan else Decimal(1), money.invested, money.profit)
    else:
        amount = _missing(acting, acting.signal.target, trip, money)
    quantity = shares_for(amount, limit, rate)
    if quantity <= 0:
        raise _Leave(f"{amount:.2f} {automation.currency} are left for it, and a share costs {limit:f}")
    return acting.request(quantity, limit)


def _missing(acting: _Acting, target: Decimal, trip: Trip | None, money: Money) -> Decimal:
    """How much a portfolio's position lacks of its target, and no more than there is."""
    automation, there = acting.automation, ZERO
    if trip is not None:
        holdings = acting.basis.holdings[trip.id]
        if holdings.is_leaving or holdings.is_entering:
            raise _Leave("an order for it is under way already")
        there = holdings.left * acting.quote.price
    free = automation.capital + money.profit + money.returned - money.invested
    wanted = min(target - there, free)
    if automation.order_value_max is not None:
        wanted = min(wanted, automation.order_value_max)
    return max(wanted, ZERO)


async def _size_of_sale(session: Session, acting: _Acting) -> OrderRequest:
    owner, automation, signal, trip = acting.locked.owner, acting.automation, acting.signal, acting.trip
    if trip is None or (signal.trip_id is not None and trip.id != signal.trip_id):
        raise _Leave("it has nothing of this symbol")
    holdings = acting.basis.holdings[trip.id]
    if holdings.is_leaving:
        raise _Leave("it is being sold already")
    if holdings.is_entering and (entry := await orders.find(session, owner, trip.entry_order_id)) is not None:
        await withdraw_order(session, owner, acting.locked.account, entry, acting.now)
    position = await positions.find(session, owner, automation.account_id, signal.symbol)
    free = position.quantity - position.held if position else ZERO
    kept = ZERO if signal.target is None else signal.target // acting.quote.price
    quantity = min(holdings.left - kept, free)
    if quantity <= 0:
        raise _Leave("no shares of it are free to be sold")
    return acting.request(quantity, None)
