"""What a broker's sums say beyond what is known: the execution between two of them."""

from decimal import ROUND_HALF_UP, Decimal

from quant.fees import Trade, fees_for, settlement_date
from quant.markets.calendar import session_on_or_after

from broker.domain.attempt import Attempt
from broker.domain.order import Execution, Progress

_PLACES = Decimal("0.00000001")


def execution_between(attempt: Attempt, quantity: Decimal, amount: Decimal, now: Progress) -> Execution | None:
    """The execution that leads from what is known (shares and their value) to a sum; None when it says nothing new.

    Its id is made of the sum it leads to, so that it is the same whichever way and however often we hear of it. Fee and
    tax are what the schedule says: brokers of this kind tell them in total and late.
    """
    if now.quantity <= quantity:
        return None
    shares = now.quantity - quantity
    price = ((now.amount - amount) / shares).quantize(_PLACES, rounding=ROUND_HALF_UP).normalize()
    intent = attempt.intent
    day = session_on_or_after(intent.market, now.trade_date)
    costs = fees_for(Trade(intent.market, intent.board, intent.kind, intent.side, shares, price, day))
    return Execution(
        execution_id=f"{attempt.broker}:{intent.account_id}:{attempt.broker_order_id}:{now.quantity.normalize():f}",
        quantity=shares,
        price=Decimal(f"{price:f}"),
        fee=costs.fee,
        tax=costs.taxes,
        trade_date=day,
        settlement_date=settlement_date(intent.market, day),
        executed_at=now.seen_at,
    )
