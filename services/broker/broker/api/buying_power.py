"""GET /broker/connections/{id}/buying-power: how much of a symbol the broker itself would let the account buy now."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from kit.auth import CurrentUser
from kit.errors import responses
from kit.money import Money
from pydantic import BaseModel

from broker.adapters.opening import nobody
from broker.api.connections import USED, door_to, explained, opened
from broker.domain.order import OwnerId, Refused
from broker.errors import BrokerRefused
from broker.resources import Resources

router = APIRouter(prefix="/api/v1/broker/connections", tags=["connections"])
PRICE_MAX = 1_000_000_000
DECIMAL_PLACES_MAX = 8
_Symbol = Annotated[str, Query(pattern=r"^[A-Z0-9][A-Z0-9.]{0,11}$", examples=["005930"])]
_Price = Annotated[Decimal, Query(gt=0, le=PRICE_MAX, decimal_places=DECIMAL_PLACES_MAX, examples=["70000"])]


class BuyingPowerOut(BaseModel):
    """What may be spent on the symbol without borrowing, in the account's money, and the shares that buys."""

    amount: Money
    quantity: Money


@router.get("/{connection_id}/buying-power", responses=USED | responses(BrokerRefused))
async def get_buying_power(
    request: Request, user: CurrentUser, connection_id: UUID, symbol: _Symbol, limit_price: _Price
) -> BuyingPowerOut:
    """Ask the broker what an order at this price could buy. Trading goes by its own books; this is to compare."""
    resources: Resources = request.app.state.resources
    connection, secrets = await opened(resources, OwnerId(user.user_id), connection_id)
    door = door_to(resources, user, connection)
    async with door.client() as http:
        with explained():
            answer = await door.open(http, secrets, nobody).buying_power(symbol, limit_price)
    if isinstance(answer, Refused):
        raise BrokerRefused(answer.text)
    return BuyingPowerOut(amount=answer.amount, quantity=answer.quantity)
