"""Drift: what a backtest says of the bars an automation has seen, against what it saw, did and got."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from quant.fees import Trade, fees_for

from trading.domain.order import Order
from trading.domain.plan import Plan
from trading.domain.signal import Signal, SignalStatus

FEE_STEP: Final = Decimal("0.0001")
"""Fees of a share, in its currency, are compared to so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What a backtest has of one bar: both rules over whole columns, and the bar at whose open it would trade."""

    symbol: str
    bar: datetime
    entry: bool
    exit: bool
    next_day: date | None
    next_open: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the automation has of the same bar. `outcome` is its run's, None when there was none."""

    status: str | None
    outcome: dict[str, Any] | None
    signal: Signal | None
    order: Order | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """By how much a fill differs from that of a backtest: price and fee above zero cost us, time is from the signal."""

    quantity: Decimal
    tested_price: Decimal
    price: Decimal
    price_gap: Decimal
    tested_fee: Decimal
    fee: Decimal
    fee_gap: Decimal
    latency: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One bar, side by side; `differences` are sentences, none when both did the same."""

    tested: Tested
    seen: Seen
    gap: Gap | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """How much worse a live fill was than the paper one of the same bar: price and fee a share, time from the signal.

    Above zero it cost more, or came later.
    """

    symbol: str
    bar: datetime
    price_gap: Decimal
    fee_gap: Decimal
    latency_gap: timedelta


def apart(paper: Sequence[Drift], live: Sequence[Drift]) -> list[Apart]:
    """Compare the bars at which both have filled; each with a backtest already, which is the same for both."""
    on_paper = {(each.tested.symbol, each.tested.bar): each.gap for each in paper if each.gap is not None}
    found = []
    for each in live:
        theirs, ours = on_paper.get((each.tested.symbol, each.tested.bar)), each.gap
        if theirs is None or ours is None:
            continue
        found.append(
            Apart(
                symbol=each.tested.symbol,
                bar=each.tested.bar,
                price_gap=ours.price_gap - theirs.price_gap,
                fee_gap=(ours.fee / ours.quantity - theirs.fee / theirs.quantity).quantize(FEE_STEP),
                latency_gap=ours.latency - theirs.latency,
            )
        )
    return found


def compare(tested: Tested, seen: Seen, plan: Plan) -> Drift:
    """Compare a bar; a signal that waits for its session, or was declined or held back, is no difference."""
    return Drift(
        tested=tested,
        seen=seen,
        gap=_gap(tested, seen, plan),
        differences=(*_signals_differ(tested, seen), *_fills_differ(tested, seen)),
    )


def _signals_differ(tested: Tested, seen: Seen) -> list[str]:
    when = f"{tested.symbol}, {tested.bar:%Y-%m-%d %H:%M}"
    if seen.status is None:
        return [f"{when}: the bar was never looked at"]
    if seen.status != "done" or seen.outcome is None:
        why = (seen.outcome or {}).get("why", seen.status)
        return [f"{when}: not judged ({why}), where the backtest has entry {tested.entry}, exit {tested.exit}"]
    return [
        f"{when}: the {name} rule was {ours}, in the backtest it is {theirs}"
        for name, ours, theirs in (
            ("entry", seen.outcome["entry"], tested.entry),
            ("exit", seen.outcome["exit"], tested.exit),
        )
        if ours != theirs
    ]


def _fills_differ(tested: Tested, seen: Seen) -> list[str]:
    signal, order = seen.signal, seen.order
    if signal is None:
        return []
    when = f"{tested.symbol}, {tested.bar:%Y-%m-%d %H:%M}"
    if signal.status in {SignalStatus.REFUSED, SignalStatus.EXPIRED}:
        return [f"{when}: no order ({signal.detail}), where the backtest trades at the next open"]
    if order is not None and not order.is_open and order.filled_quantity < order.quantity:
        return [f"{when}: {order.filled_quantity:f} of {order.quantity:f} were filled, a backtest fills all"]
    return []


def _gap(tested: Tested, seen: Seen, plan: Plan) -> Gap | None:
    signal, order = seen.signal, seen.order
    if signal is None or order is None or order.average_price is None or tested.next_open is None:
        return None
    if order.board is None or order.kind is None or order.trading_date is None:
        return None
    trade = Trade(
        market=order.market,
        board=order.board,
        kind=order.kind,
        side=order.side,
        quantity=order.filled_quantity,
        price=tested.next_open,
        trade_date=order.trading_date,
    )
    worse = 1 if order.side == "buy" else -1
    tested_fee, fee = fees_for(trade, plan.fee_schedule).total, order.fee + order.tax
    return Gap(
        quantity=order.filled_quantity,
        tested_price=tested.next_open,
        price=order.average_price,
        price_gap=worse * (order.average_price - tested.next_open),
        tested_fee=tested_fee,
        fee=fee,
        fee_gap=fee - tested_fee,
        latency=order.updated_at - signal.raised_at,
    )
