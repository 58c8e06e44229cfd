"""The dead man's switch: an account whose program goes silent is halted, and what it left open is canceled."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from pydantic import BaseModel, ConfigDict, Field

from trading.domain.request import AccountId
from trading.errors import AccountNotFound, DeadManNotArmed
from trading.store import accounts, dead_men

SECONDS_MIN, SECONDS_MAX = 5, 60

router = APIRouter(prefix="/api/v1/trading", tags=["trading"], responses=AUTHENTICATED)


class ArmDeadMan(BaseModel):
    """A heartbeat: the next is to come within so many seconds. Send one every 15 to 30 seconds for 60."""

    model_config = ConfigDict(extra="forbid")

    account_id: UUID
    seconds: Annotated[int, Field(ge=SECONDS_MIN, le=SECONDS_MAX)] = SECONDS_MAX


class DeadManShown(BaseModel):
    """Until when a heartbeat has to come, by the database's clock."""

    model_config = ConfigDict(from_attributes=True)

    account_id: UUID
    seconds: int
    due_at: datetime


@router.put("/dead-man", responses=responses(AccountNotFound))
async def put_dead_man(body: ArmDeadMan, session: OwnedSession, user: CurrentUser) -> DeadManShown:
    """Arm an account's switch, or send its heartbeat. When none comes in time, the account is halted within a second
    or two: open orders are withdrawn, and it trades again only after `POST /trading/resume`.
    """
    account_id = AccountId(body.account_id)
    if await accounts.find(session, user.user_id, account_id) is None:
        raise AccountNotFound("You have no account of this id.")
    return DeadManShown.model_validate(await dead_men.save(session, user.user_id, account_id, body.seconds))


@router.get("/dead-man", responses=responses(DeadManNotArmed))
async def get_dead_man(account_id: UUID, session: OwnedSession, user: CurrentUser) -> DeadManShown:
    """Show until when an account's heartbeat has to come."""
    found = await dead_men.find(session, user.user_id, AccountId(account_id))
    if found is None:
        raise DeadManNotArmed("This account waits for no heartbeat.")
    return DeadManShown.model_validate(found)


@router.delete("/dead-man", status_code=204, responses=responses(DeadManNotArmed))
async def delete_dead_man(account_id: UUID, session: OwnedSession, user: CurrentUser) -> None:
    """Disarm an account's switch: its open orders may stay when its program goes."""
    if not await dead_men.delete_one(session, user.user_id, AccountId(account_id)):
        raise DeadManNotArmed("This account waits for no heartbeat.")
