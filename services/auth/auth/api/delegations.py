"""Letting somebody look at one's accounts, and taking it back."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from kit.auth import CurrentUser, RecentUser
from kit.clock import now
from kit.db import OwnedSession, SystemSession
from kit.errors import AUTHENTICATED, NotFound, responses
from kit.ids import new_id
from kit.pagination import Page
from pydantic import BaseModel, ConfigDict

from auth.api.types import Email
from auth.domain.delegation import Delegation
from auth.domain.user import UserId
from auth.errors import NobodyToLendTo
from auth.store import delegations
from auth.usecases.lend_sight import lend_sight

router = APIRouter(prefix="/api/v1/users/delegations", tags=["delegations"])


class DelegationWish(BaseModel):
    """Who may look, by the address of their account."""

    model_config = ConfigDict(extra="forbid")

    email: Email


class DelegationShown(BaseModel):
    """Somebody who may look at your accounts."""

    id: UUID
    email: str
    created_at: datetime


@router.get("", responses=AUTHENTICATED)
async def list_delegations(session: OwnedSession, user: CurrentUser) -> Page[DelegationShown]:
    """List who may look at your accounts, the first hundred."""
    rows = await delegations.list_lent(session, UserId(user.user_id))
    return Page(items=[DelegationShown(id=row[0], email=row[1], created_at=row[2]) for row in rows], next_cursor=None)


@router.post("", status_code=201, responses={**AUTHENTICATED, **responses(NobodyToLendTo)})
async def add_delegation(body: DelegationWish, user: RecentUser, session: SystemSession) -> DelegationShown:
    """Let somebody look at your accounts: with `X-On-Behalf-Of: <your id>` they read what you read in trading."""
    lent = Delegation(new_id(), UserId(user.user_id), body.email, now())
    await lend_sight(session, lent)
    return DelegationShown(id=lent.id, email=lent.email, created_at=lent.created_at)


@router.delete("/{delegation_id}", status_code=204, responses={**AUTHENTICATED, **responses(NotFound)})
async def remove_delegation(delegation_id: UUID, user: CurrentUser, session: SystemSession) -> Response:
    """Take it back; within seconds nothing of yours is seen any more."""
    if not await lend_sight(session, Delegation(delegation_id, UserId(user.user_id), "", now()), taken_back=True):
        raise NotFound("You have lent nothing under this id.")
    return Response(status_code=204)
