"""Act on a signal: size it, and place its order by the one path that every order takes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from kit.db import Session
from quant.fees import commission_rate
from quant.markets.ticks import ceil_to_tick

from trading.domain.account import Account
from trading.domain.automation import ZERO, Automation, Status, breach_of, shares_for, stake
from trading.domain.day import day_began
from trading.domain.halt import HaltMode, strictest
from trading.domain.limits import Limits
from trading.domain.order import Order
from trading.domain.order import Status as OrderStatus
from trading.domain.plan import Plan
from trading.domain.quote import Quote
from trading.domain.request import OrderId, OrderRequest
from trading.domain.signal import Signal, SignalId, SignalStatus, timing
from trading.domain.trip import Trip, TripId
from trading.store import accounts, automations, halts, orders, positions, signals
from trading.store.signals import Money
from trading.usecases.breach_automation import breach_automation
from trading.usecases.place_order import place_order
from trading.usecases.settle_signal import settle_signal
from trading.usecases.withdraw_order import withdraw_order

ROOM: Final = Decimal("0.01")
"""A buy has a limit that far above the last price: it fills at once, and never at any price."""


class _Leave(Exception):
    """Nothing is ordered: why."""


@dataclass(frozen=True, slots=True)
class _Acting:
    """A signal whose moment has come, and everything its order is made of."""

    owner: UUID
    account: Account
    automation: Automation
    signal: Signal
    plan: Plan | None
    quote: Quote
    order_id: OrderId
    now: datetime

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


async def act_on_signal(
    session: Session,
    owner: UUID,
    signal_id: SignalId,
    basis: tuple[Plan | None, Quote | None, Limits],
    order_id: OrderId,
    now: datetime,
) -> Signal | None:
    """Turn a waiting signal into an order, or say why it is none; None when it is gone or not its time yet.

    The client order id is the signal's, so that a signal has one order, whoever acts on it and however often.
    """
    plan, quote, limits = basis
    found = await signals.find(session, owner, signal_id)
    if found is None:
        return None
    account = await accounts.lock_to_trade(session, owner, found.account_id)
    automation = await automations.lock(session, owner, found.automation_id)
    signal = await signals.lock(session, owner, signal_id)
    if account is None or signal is None or automation is None or signal.status is not SignalStatus.WAITING:
        return signal
    match timing(signal, quote, now):
        case "wait":
            return None
        case "late":
            end = (SignalStatus.EXPIRED, "too late: its moment has passed")
            return await settle_signal(session, owner, signal, automation.name, end, now)
        case _:
            assert quote is not None, "there is no moment to act without a price"
    acting = _Acting(owner, account, automation, signal, plan, quote, order_id, now)
    try:
        await _check(session, acting)
        size = _size_of_buy if signal.side == "buy" else _size_of_sale
        request, trip_id = await size(session, acting)
    except _Leave as why:
        return await settle_signal(session, owner, signal, automation.name, (SignalStatus.SKIPPED, str(why)), now)
    placed = await place_order(session, owner, request, quote, limits, now)
    return await _settled(session, acting, placed.order, trip_id)


async def _settled(session: Session, acting: _Acting, order: Order, trip_id: UUID | None) -> Signal:
    owner, signal, automation, now = acting.owner, acting.signal, acting.automation, acting.now
    if order.status is OrderStatus.DENIED:
        end = (SignalStatus.REFUSED, f"{order.reason}: {order.detail}")
        return await settle_signal(session, owner, signal.of_order(order.id, None), automation.name, end, now)
    if trip_id is None:
        trip = Trip(
            id=TripId(signal.id),
            automation_id=automation.id,
            account_id=automation.account_id,
            symbol=signal.symbol,
            entry_order_id=order.id,
            opened_at=now,
        )
        await signals.save_new_trip(session, owner, trip)
        trip_id = trip.id
    ordered = signal.of_order(order.id, trip_id)
    return await settle_signal(session, owner, ordered, automation.name, (SignalStatus.ORDERED, None), now)


async def _check(session: Session, acting: _Acting) -> None:
    """Ask what stands against acting at all: the automation itself, and halts of its strategy."""
    automation, side = acting.automation, acting.signal.side
    if automation.status is Status.STOPPED:
        raise _Leave("the automation is stopped")
    scopes = {automation.id, automation.strategy_id}
    thrown = await halts.list_all(session, acting.owner)
    mode = strictest(frozenset(halt.mode for halt in thrown if halt.level == "strategy" and halt.scope_id in scopes))
    if mode is HaltMode.HALTED or (mode is HaltMode.REDUCE_ONLY and side == "buy"):
        raise _Leave("the strategy is halted")
    if side == "buy" and automation.status is not Status.RUNNING:
        raise _Leave(f"the automation is paused: {automation.reason or 'by its owner'}")
    if side == "buy" and not automation.may_enter(acting.quote.trading_date, acting.now):
        raise _Leave("its schedule does not buy at this time")


async def _size_of_buy(session: Session, acting: _Acting) -> tuple[OrderRequest, UUID | None]:
    automation, plan, quote = acting.automation, acting.plan, acting.quote
    trip = await signals.find_open_trip(session, acting.owner, automation.id, acting.signal.symbol)
    if trip is not None and acting.signal.target is None:
        raise _Leave("it has this symbol already")
    began = day_began(automation.market, acting.now)
    money = await signals.find_money(session, acting.owner, automation.id, began)
    if (reason := breach_of(automation, money.profit_today)) is not None:
        await breach_automation(session, acting.owner, automation, reason, acting.now)
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
        amount = await _missing(session, acting, acting.signal.target, trip, money)
    quantity = shares_for(amount, limit, rate)
    if quantity <= 0:
        raise _Leave(f"{amount:.2f} {automation.currency} are left for it, and a share costs {limit:f}")
    return acting.request(quantity, limit), trip.id if trip else None


async def _missing(session: Session, acting: _Acting, target: Decimal, trip: Trip | None, money: Money) -> Decimal:
    """How much a portfolio's position lacks of its target, and no more than there is."""
    automation, there = acting.automation, ZERO
    if trip is not None:
        holdings = await signals.find_holdings(session, acting.owner, trip.id)
        if holdings.is_leaving or holdings.is_entering:
            raise _Leave("an order for it is under way already")
        there = holdings.left * acting.quote.price
    free = automation.capital + money.profit + money.returned - money.invested
    wanted = min(target - there, free)
    if automation.order_value_max is not None:
        wanted = min(wanted, automation.order_value_max)
    return max(wanted, ZERO)


async def _size_of_sale(session: Session, acting: _Acting) -> tuple[OrderRequest, UUID | None]:
    owner, automation, signal = acting.owner, acting.automation, acting.signal
    trip = await signals.find_open_trip(session, owner, automation.id, signal.symbol)
    if trip is None or (signal.trip_id is not None and trip.id != signal.trip_id):
        raise _Leave("it has nothing of this symbol")
    holdings = await signals.find_holdings(session, owner, trip.id)
    if holdings.is_leaving:
        raise _Leave("it is being sold already")
    if holdings.is_entering and (entry := await orders.find(session, owner, trip.entry_order_id)) is not None:
        await withdraw_order(session, owner, acting.account, entry, acting.now)
    position = await positions.find(session, owner, automation.account_id, signal.symbol)
    free = position.quantity - position.held if position else ZERO
    kept = ZERO if signal.target is None else signal.target // acting.quote.price
    quantity = min(holdings.left - kept, free)
    if quantity <= 0:
        raise _Leave("no shares of it are free to be sold")
    return acting.request(quantity, None), trip.id
