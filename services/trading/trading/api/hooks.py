"""Hooks: addresses for charting programs, and what they say there."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.ids import new_id
from kit.json import dumps
from pydantic import BaseModel, ConfigDict, Field

from trading.api.types import OpenResources
from trading.domain.automation import AutomationId
from trading.domain.hook import PRESETS, Hook, HookId, digest_of, key_of, unknown_in
from trading.errors import AlertTooLarge, AutomationNotFound, HookLimit, HookNotFound
from trading.store import hooks
from trading.store.automation import system
from trading.usecases.create_hook import create_hook

router = APIRouter(prefix="/api/v1/trading/hooks", tags=["hooks"], responses=AUTHENTICATED)
tradingview = APIRouter(prefix="/api/v1/hooks/tradingview", tags=["hooks"])

SECRET_BYTES = 32
BODY_BYTES_MAX = 8_192
NAME_LENGTH_MAX = 80
MINUTES_MAX = 10_080
ALERTS_SHOWN = 100


class CreateHook(BaseModel):
    """A hook for one automation; `expected_every_minutes` has its silence told while the market is open."""

    model_config = ConfigDict(extra="forbid")

    automation_id: UUID
    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00-\x1f]*$")]
    expected_every_minutes: Annotated[int, Field(ge=1, le=MINUTES_MAX)] | None = None


class HookShown(BaseModel):
    """A hook; alerts are sent to `path` below this installation's address."""

    id: UUID
    automation_id: UUID
    name: str
    path: str
    expected_every_minutes: int | None
    created_at: datetime
    heard_at: datetime | None

    @classmethod
    def of(cls, hook: Hook) -> "HookShown":
        """Show a hook, without its secret."""
        return cls(path=f"{tradingview.prefix}/{hook.id}", **_told(hook))


class NewHook(HookShown):
    """A hook that was just made: the secret is shown this once. `messages` are ready to be pasted."""

    secret: str
    messages: dict[str, dict[str, str]]


class HookAlertShown(BaseModel):
    """An alert as it came, without its secret, and what became of it."""

    model_config = ConfigDict(from_attributes=True)

    body: dict[str, Any]
    status: Literal["queued", "done", "refused"]
    detail: str | None
    received_at: datetime
    settled_at: datetime | None


class TradingViewAlert(BaseModel):
    """A message of a charting program: the hook's secret, and fields in the words of the presets.

    `alert_id` is what a repetition is known by; without one, everything the message says is.
    """

    model_config = ConfigDict(extra="allow")

    secret: Annotated[str, Field(min_length=1, max_length=200)]


class AlertTaken(BaseModel):
    """An alert is queued, or came before; fields that mean nothing here are named."""

    status: Literal["queued", "duplicate"]
    unknown_fields: list[str]


def _told(hook: Hook) -> dict[str, Any]:
    names = ("id", "automation_id", "name", "expected_every_minutes", "created_at", "heard_at")
    return {name: getattr(hook, name) for name in names}


@router.post("", status_code=201, responses=responses(AutomationNotFound, HookLimit))
async def post_hook(body: CreateHook, session: OwnedSession, user: CurrentUser) -> NewHook:
    """Make a hook. Keep the secret: it is not shown again."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    hook = Hook(
        id=HookId(new_id()),
        automation_id=AutomationId(body.automation_id),
        name=body.name,
        secret_digest=digest_of(secret),
        expected_every_minutes=body.expected_every_minutes,
        created_at=now(),
    )
    await create_hook(session, user.user_id, hook)
    messages = {name: dict(fields) | {"secret": secret} for name, fields in PRESETS.items()}
    return NewHook(path=f"{tradingview.prefix}/{hook.id}", **_told(hook), secret=secret, messages=messages)


@router.get("")
async def get_hooks(session: OwnedSession, user: CurrentUser) -> list[HookShown]:
    """List your hooks, newest first."""
    return [HookShown.of(hook) for hook in await hooks.list_all(session, user.user_id)]


@router.get("/{hook_id}/alerts", responses=responses(HookNotFound))
async def get_alerts(hook_id: UUID, session: OwnedSession, user: CurrentUser) -> list[HookAlertShown]:
    """List the newest hundred alerts of a hook."""
    if await hooks.find(session, user.user_id, HookId(hook_id)) is None:
        raise HookNotFound("You have no hook of this id.")
    received = await hooks.list_received(session, user.user_id, HookId(hook_id), ALERTS_SHOWN)
    return [HookAlertShown.model_validate(each) for each in received]


@router.delete("/{hook_id}", status_code=204, responses=responses(HookNotFound))
async def delete_hook(hook_id: UUID, session: OwnedSession, user: CurrentUser) -> Response:
    """Delete a hook: its address leads nowhere from now on."""
    if not await hooks.delete_one(session, user.user_id, HookId(hook_id)):
        raise HookNotFound("You have no hook of this id.")
    return Response(status_code=204)


@tradingview.post("/{hook_id}", status_code=202, responses=responses(HookNotFound, AlertTooLarge))
async def post_tradingview(hook_id: UUID, body: TradingViewAlert, resources: OpenResources) -> AlertTaken:
    """Queue an alert and answer at once; what becomes of it is told to the hook's owner."""
    payload: Mapping[str, Any] = body.model_extra or {}
    if len(dumps(dict(payload))) > BODY_BYTES_MAX:
        raise AlertTooLarge(f"A message has at most {BODY_BYTES_MAX} bytes.")
    async with resources.database.system() as session:
        found = await system.find_hook(session, HookId(hook_id))
    proof = digest_of(body.secret)
    if found is None or not hmac.compare_digest(found[1].secret_digest, proof):
        raise HookNotFound("There is no such hook, or the secret is not its own.")
    owner, hook = found
    async with resources.database.owned(owner) as session:
        new = await hooks.save_received(session, owner, hook.id, (key_of(payload), dict(payload)), now())
        await system.wake(session)
    return AlertTaken(status="queued" if new else "duplicate", unknown_fields=unknown_in(payload))
