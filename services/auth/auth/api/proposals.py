"""Rights that wait for a second look: what is proposed, agreeing to it, and withdrawing it."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from kit.auth import Admin, RecentUser
from kit.clock import now
from kit.db import SystemSession
from kit.errors import AUTHENTICATED, NotFound, responses
from pydantic import BaseModel

from auth.api.admin import CHANGES, AccountShown, shown
from auth.api.permissions import PermissionsShown
from auth.domain.audit import AuditEntry
from auth.domain.user import Role, UserId
from auth.errors import SecondAdminNeeded
from auth.store import audit, proposals
from auth.usecases.approve_rights import approve_rights

SHOWN_MAX = 500
NOTHING = "Nothing is proposed for this account."

router = APIRouter(prefix="/api/v1/admin/proposals", tags=["admin"])


class ProposalShown(BaseModel):
    """What somebody should be and be allowed. `effective_at` is null where another admin has to agree."""

    user_id: UUID
    proposed_by: UUID
    proposed_at: datetime
    effective_at: datetime | None
    role: Role
    permissions: PermissionsShown


class ProposalsShown(BaseModel):
    """What waits, the oldest first."""

    items: list[ProposalShown]


@router.get("", responses=AUTHENTICATED)
async def list_proposals(_admin: Admin, session: SystemSession) -> ProposalsShown:
    """List what waits for a second admin, or for a day to pass where there is none."""
    waiting = await proposals.list_all(session, now(), SHOWN_MAX)
    return ProposalsShown(items=[ProposalShown.model_validate(asdict(proposal)) for proposal in waiting])


@router.post("/{user_id}/approve", responses={**CHANGES, **responses(SecondAdminNeeded)})
async def approve_proposal(user_id: UUID, admin: Admin, _recent: RecentUser, session: SystemSession) -> AccountShown:
    """Agree to what another admin has proposed: it counts from now on; older tokens are worthless within seconds."""
    user = await approve_rights(session, UserId(admin.user_id), UserId(user_id), now())
    if user is None:
        raise NotFound(NOTHING)
    return shown(user)


@router.delete("/{user_id}", status_code=204, responses={**AUTHENTICATED, **responses(NotFound)})
async def withdraw_proposal(user_id: UUID, admin: Admin, session: SystemSession) -> Response:
    """Withdraw what is proposed, one's own or another's: saying no takes one."""
    if not await proposals.delete_one(session, UserId(user_id)):
        raise NotFound(NOTHING)
    await audit.record(session, now(), AuditEntry(str(admin.user_id), "proposal_withdrawn", str(user_id)))
    return Response(status_code=204)
