"""What was sent to brokers and not reported yet, without an owner: for the comparison with what trading approved.

The simulator is asked for its own books and not for our attempts, so that an order which came there past the one gate
is seen as well: it has no owner. Rows are taken by flag, never by "later than the last", so none that commits late is
passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from sqlalchemy import text

SHARED = "what all owners sent, to be compared at once: by the worker alone"
TAKE = text(
    """
    WITH new_orders AS (
        SELECT client_key FROM sim_orders WHERE NOT reported LIMIT :most FOR UPDATE SKIP LOCKED
    ), at_the_simulator AS (
        UPDATE sim_orders o SET reported = true FROM new_orders n WHERE o.client_key = n.client_key
        RETURNING o.client_key, o.account, o.symbol, o.side, o.quantity, o.limit_price
    ), new_attempts AS (
        SELECT order_id FROM attempts WHERE NOT reported AND broker <> 'simulator'
         LIMIT :most FOR UPDATE SKIP LOCKED
    ), elsewhere AS (
        UPDATE attempts a SET reported = true FROM new_attempts n WHERE a.order_id = n.order_id
        RETURNING a.broker, a.order_id, a.owner_id, a.intent
    )
    SELECT 'simulator' AS broker, s.client_key AS order_id, a.owner_id AS owner, s.account AS account_id,
           s.symbol, s.side, s.quantity, s.limit_price
      FROM at_the_simulator s LEFT JOIN attempts a ON a.order_id = s.client_key
     UNION ALL
    SELECT broker, order_id, owner_id, intent->>'account_id', intent->>'symbol', intent->>'side',
           (intent->>'quantity')::numeric, (intent->>'limit_price')::numeric
      FROM elsewhere
    """
)


@dataclass(frozen=True, slots=True)
class Submit:
    """An order as it was sent."""

    broker: str
    order_id: UUID
    owner: UUID | None
    account_id: str
    symbol: str
    side: str
    quantity: Decimal
    limit_price: Decimal | None


async def take_unreported(session: Session, *, most: int) -> Sequence[Submit]:
    """Take some of what has not been reported, marked as reported when this transaction commits."""
    return [Submit(**row._mapping) for row in await session.execute(TAKE, {"most": most})]
