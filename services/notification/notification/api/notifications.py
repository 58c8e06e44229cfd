"""The inbox of notices."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict, model_validator

from notification.api.types import Ids, after_id
from notification.domain.notice import NoticeKind
from notification.domain.owner import OwnerId
from notification.errors import NotificationNotFound
from notification.store import notifications

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])


class NoticeShown(BaseModel):
    """A notice; `data` names the things it is about."""

    id: UUID
    kind: NoticeKind
    title: str
    body: str
    data: dict[str, Any]
    created_at: datetime
    read_at: datetime | None


class Reading(BaseModel):
    """Which notices have been read: some, or all."""

    model_config = ConfigDict(extra="forbid")

    ids: Ids | None = None
    all: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> "Reading":
        if (self.ids is None) != self.all:
            raise ValueError('send either "ids" or "all": true')
        return self


class Marked(BaseModel):
    """How many notices had not been read before."""

    marked: int


@router.get("", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_notifications(
    session: OwnedSession, user: CurrentUser, page: PageRequest, *, unread: bool = False
) -> Page[NoticeShown]:
    """List notices, the newest first; with `unread=true` only those not read yet."""
    found = await notifications.list_newest(
        session, OwnerId(user.user_id), page.limit + 1, after_id(page), unread=unread
    )
    items = [NoticeShown.model_validate(notice, from_attributes=True) for notice in found[: page.limit]]
    more = len(found) > page.limit
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].id)) if more else None)


@router.get("/{notification_id}", responses={**AUTHENTICATED, **responses(NotificationNotFound)})
async def read_notification(notification_id: UUID, session: OwnedSession, user: CurrentUser) -> NoticeShown:
    """Show one notice; it stays unread."""
    found = await notifications.find(session, OwnerId(user.user_id), notification_id)
    if found is None:
        raise NotificationNotFound("You have no notification of this id.")
    return NoticeShown.model_validate(found, from_attributes=True)


@router.post("/read", responses=AUTHENTICATED)
async def read_notifications(body: Reading, session: OwnedSession, user: CurrentUser) -> Marked:
    """Mark notices as read. Ids that are not yours are as if they did not exist."""
    marked = await notifications.save_read(session, OwnerId(user.user_id), body.ids, now())
    return Marked(marked=marked)
