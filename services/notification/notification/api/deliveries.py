"""The log of deliveries, and sending again what was given up."""

from datetime import datetime
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import BaseModel

from notification.api.types import after_id
from notification.domain.delivery import Delivery, DeliveryId, DeliveryStatus
from notification.domain.owner import OwnerId
from notification.errors import ChannelNotActive, DeliveryNotFound, NotReplayable, TooManyDeliveries
from notification.store import deliveries
from notification.usecases.replay_delivery import replay_delivery

router = APIRouter(prefix="/api/v1/notifications/deliveries", tags=["channels"])


class DeliveryShown(BaseModel):
    """A notice on its way to a channel, or what became of it. `due_at` is the next try while it waits."""

    id: UUID
    channel_id: UUID
    kind: str
    title: str
    status: DeliveryStatus
    tries: int
    error: str | None
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show a delivery."""
        same = {name: getattr(delivery, name) for name in cls.model_fields if name != "channel_id"}
        return cls(channel_id=delivery.channel, **same)


@router.get("", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_deliveries(
    session: OwnedSession, user: CurrentUser, page: PageRequest, status: DeliveryStatus | None = None
) -> Page[DeliveryShown]:
    """List deliveries, the newest first; `status=dead` are those that were given up."""
    found = await deliveries.list_newest(session, OwnerId(user.user_id), page.limit + 1, after_id(page), status)
    items = [DeliveryShown.of(each) for each in found[: page.limit]]
    more = len(found) > page.limit
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].id)) if more else None)


@router.post(
    "/{delivery_id}/replay",
    responses={**AUTHENTICATED, **responses(DeliveryNotFound, NotReplayable, ChannelNotActive, TooManyDeliveries)},
)
async def send_again(delivery_id: UUID, session: OwnedSession, user: CurrentUser) -> DeliveryShown:
    """Send a delivery again that was given up or dropped."""
    return DeliveryShown.of(await replay_delivery(session, OwnerId(user.user_id), DeliveryId(delivery_id), now()))
