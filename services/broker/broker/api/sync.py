"""POST /broker/connections/{id}/sync: read the account at its broker now, and have trading compare it with its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from kit.auth import CurrentUser
from kit.clock import now
from pydantic import BaseModel

from broker.api.connections import USED, door_to, explained, opened
from broker.domain.order import ClientKey, OwnerId
from broker.resources import Resources
from broker.store import system
from broker.usecases.report_account import Outcome, Whose, report_account

router = APIRouter(prefix="/api/v1/broker/connections", tags=["connections"])


class SyncedOut(BaseModel):
    """What was seen of the account.

    `announced`: trading is comparing it now, and tells of a difference by a notice. `unchanged`: it is as it was
    announced last. `in_doubt`: an order is on its way, so the account cannot be compared; it is read again by itself.
    """

    outcome: Outcome
    read_at: datetime
    orders: int
    foreign_orders: int
    holdings: int


@router.post("/{connection_id}/sync", responses=USED)
async def sync_connection(request: Request, user: CurrentUser, connection_id: UUID) -> SyncedOut:
    """Read orders, executions, cash and positions at the broker; the same happens every five minutes by itself."""
    resources: Resources = request.app.state.resources
    connection, secrets = await opened(resources, OwnerId(user.user_id), connection_id)
    door = door_to(resources, user, connection)

    async def keys_of(numbers: Sequence[str]) -> Mapping[str, ClientKey]:
        async with resources.database.owned(user.user_id) as session:
            return await system.list_keys(session, connection.broker, connection_id, numbers)

    async with door.client() as http:
        whose = Whose(connection.owner, connection.id, door.open(http, secrets, keys_of))
        with explained():
            seen = await report_account(resources.database, whose, now())
    return SyncedOut(
        outcome=seen.outcome,
        read_at=seen.read_at,
        orders=seen.orders,
        foreign_orders=seen.strangers,
        holdings=seen.holdings,
    )
