"""GET /broker/brokers: what each broker can do, in each environment this server speaks to."""

from fastapi import APIRouter, Request
from kit.auth import CurrentUser
from kit.errors import AUTHENTICATED
from kit.pagination import Page
from pydantic import BaseModel
from quant.markets.sessions import Venue

from broker.adapters.catalogue import open_here
from broker.domain.capabilities import Capabilities, DataKind, Part, Replaces
from broker.domain.order import Environment
from broker.resources import Resources

router = APIRouter(prefix="/api/v1/broker", tags=["broker"])


class BrokerOut(BaseModel):
    """One broker's capabilities in one environment."""

    broker: str
    title: str
    environment: Environment
    account_kinds: list[str]
    markets: list[str]
    venues: list[str]
    unconfirmed_venues: list[str]
    """Venues its orders have a word for but no published rules; open only if `venues` has them as well."""
    sessions: list[Part]
    """Parts of the day that its orders reach, at whichever of its venues."""
    venue_sessions: dict[Venue, list[Part]]
    """The same for each venue: an order for it in another part of the day is refused before it is sent."""
    order_types: list[str]
    times_in_force: list[str]
    can_cancel: bool
    replaces: Replaces
    changes_quantity: bool
    """Whether a change may ask for another number of shares."""
    takes_client_ids: bool
    """Whether it knows an order by an id of ours; else one in doubt is looked for by what and when it was."""
    absence_is_certain: bool
    """Whether an order it does not show does not exist, so that one in doubt may be sent again."""
    reports_executions: bool
    """Whether it tells of executions by itself, on a stream; its list is read as well."""
    tells_costs: bool
    """Whether it says what it charged for each execution; else the schedule of fees does."""
    tells_expiry: bool
    """Whether it tells an order that expired from one that somebody canceled."""
    lists_in_pages: bool
    market_data: list[DataKind]
    """What it shows of its market; empty when we read none of it there."""

    @classmethod
    def of(cls, able: Capabilities) -> "BrokerOut":
        """The same in words that never change their sequence."""
        return cls(
            broker=able.broker,
            title=able.title,
            environment=able.environment,
            account_kinds=sorted(able.account_kinds),
            markets=sorted(able.markets),
            venues=sorted(able.venues),
            unconfirmed_venues=sorted(able.unconfirmed_venues),
            sessions=sorted(able.sessions),
            venue_sessions={venue: sorted(able.sessions_at(venue)) for venue in sorted(able.venues)},
            order_types=sorted(able.order_types),
            times_in_force=sorted(able.times_in_force),
            can_cancel=able.can_cancel,
            replaces=able.replaces,
            changes_quantity=able.changes_quantity,
            takes_client_ids=able.identifies_by_key,
            absence_is_certain=able.absence_is_certain,
            reports_executions=able.reports_executions,
            tells_costs=able.tells_costs,
            tells_expiry=able.tells_expiry,
            lists_in_pages=able.lists_in_pages,
            market_data=sorted(able.market_data),
        )


@router.get("/brokers", responses=AUTHENTICATED)
async def list_brokers(_user: CurrentUser, request: Request) -> Page[BrokerOut]:
    """Every broker an account can be at, and what it can do there; orders beyond that are refused before sending.

    Environments with real money are there once the operator has switched them on.
    """
    resources: Resources = request.app.state.resources
    return Page(items=[BrokerOut.of(able) for able in open_here(resources.lines).values()], next_cursor=None)
