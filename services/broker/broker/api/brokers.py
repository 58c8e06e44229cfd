"""GET /broker/brokers: what each broker can do."""

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.errors import AUTHENTICATED
from kit.pagination import Page
from pydantic import BaseModel

from broker.adapters.catalogue import CATALOGUE
from broker.domain.capabilities import DataKind, Replaces

router = APIRouter(prefix="/api/v1/broker", tags=["broker"])


class BrokerOut(BaseModel):
    """One broker's capabilities."""

    broker: str
    title: str
    account_kinds: list[str]
    markets: list[str]
    venues: list[str]
    order_types: list[str]
    times_in_force: list[str]
    can_cancel: bool
    replaces: Replaces
    changes_quantity: bool
    """Whether a change may ask for another number of shares."""
    reports_executions: bool
    market_data: list[DataKind]
    """What it shows of its market; empty when we read none of it there."""


@router.get("/brokers", responses=AUTHENTICATED)
async def list_brokers(_user: CurrentUser) -> Page[BrokerOut]:
    """Every broker an account can be at, and what it can do there; orders beyond that are refused before sending."""
    return Page(
        items=[
            BrokerOut(
                broker=able.broker,
                title=able.title,
                account_kinds=sorted(able.account_kinds),
                markets=sorted(able.markets),
                venues=sorted(able.venues),
                order_types=sorted(able.order_types),
                times_in_force=sorted(able.times_in_force),
                can_cancel=able.can_cancel,
                replaces=able.replaces,
                changes_quantity=able.changes_quantity,
                reports_executions=able.reports_executions,
                market_data=sorted(able.market_data),
            )
            for able in CATALOGUE
        ],
        next_cursor=None,
    )
