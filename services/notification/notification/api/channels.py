"""Channels: connect, confirm, test, switch off, and choose what goes where."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict, Field

from notification.api.channel_wishes import Maker, Name, Wish
from notification.api.deliveries import DeliveryShown
from notification.channels.web_push import public_text
from notification.domain.channel import Channel, ChannelId, ChannelKind, ChannelStatus
from notification.domain.delivery import Delivery, DeliveryId
from notification.domain.notice import NoticeKind
from notification.domain.owner import OwnerId
from notification.domain.preference import Choice
from notification.errors import (
    ChannelNotActive,
    ChannelNotFound,
    ChannelNotOffered,
    ChannelUnusable,
    TooManyChannels,
    TooManyDeliveries,
    WrongCode,
)
from notification.resources import Opened
from notification.store import channels, preferences
from notification.usecases.add_channel import add_channel
from notification.usecases.confirm_channel import confirm_channel
from notification.usecases.try_channel import try_channel

router = APIRouter(prefix="/api/v1/notifications/channels", tags=["channels"])

NONE_SUCH = "You have no channel with this id."
PENDING = "Confirm the channel with its code first."


class ChannelShown(BaseModel):
    """A channel. `shown` is what it is recognised by; `trouble` why the last message did not arrive."""

    id: UUID
    kind: ChannelKind
    name: str
    shown: str
    status: ChannelStatus
    trouble: str | None
    created_at: datetime


class ChannelAdded(ChannelShown):
    """A new channel, with what is told once: a webhook's secret, and what to send to the Telegram bot."""

    signing_secret: str | None
    start_command: str | None


class Offered(BaseModel):
    """What this installation offers: the kinds, and the key browsers subscribe to pushes with."""

    kinds: list[ChannelKind]
    web_push_key: str


class ChannelChanges(BaseModel):
    """A new name, or on and off; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    enabled: bool | None = None


class Code(BaseModel):
    """The code that came to the address."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=32)]


class Choices(BaseModel):
    """What goes to the channel at once, in the digest, or not at all; what is not named goes at once."""

    model_config = ConfigDict(extra="forbid")

    choices: dict[NoticeKind, Choice]


@router.get("/offered", responses=AUTHENTICATED)
async def list_offered(resources: Opened, _user: CurrentUser) -> Offered:
    """List the kinds of channels that can be added here."""
    return Offered(kinds=sorted(resources.catalogue.ports), web_push_key=public_text(resources.sealer.push_key))


@router.get("", responses=AUTHENTICATED)
async def list_channels(session: OwnedSession, user: CurrentUser) -> list[ChannelShown]:
    """List your channels, the oldest first."""
    return [_shown(each) for each in await channels.list_all(session, OwnerId(user.user_id))]


@router.post(
    "",
    status_code=201,
    responses={**AUTHENTICATED, **responses(ChannelNotOffered, ChannelUnusable, TooManyChannels)},
)
async def create_channel(body: Wish, resources: Opened, user: CurrentUser) -> ChannelAdded:
    """Add a channel. Mail and Telegram begin as pending, until a code has come back from there."""
    moment = now()
    made = await Maker(resources.catalogue, resources.sealer).make(body, OwnerId(user.user_id), moment)
    first = None
    if made.channel.kind == "email":
        text = f"Your code is {made.secrets['code']}. If you did not ask for it, do nothing. / 확인 코드입니다."
        title = "Confirm your address for Exodus / 주소 확인"
        first = _delivery(made.channel.owner, made.channel.id, "confirmation", (title, text), moment)
    async with resources.database.owned(user.user_id) as session:
        await add_channel(session, made.channel, first)
    start = f"/start {made.channel.id.hex}-{made.secrets['code']}" if made.channel.kind == "telegram" else None
    told = {"signing_secret": made.secrets.get("signing_secret"), "start_command": start}
    return ChannelAdded(**_fields(made.channel), **told)


@router.get("/{channel_id}", responses={**AUTHENTICATED, **responses(ChannelNotFound)})
async def get_channel(channel_id: UUID, session: OwnedSession, user: CurrentUser) -> ChannelShown:
    """Show one channel."""
    return _shown(_existing(await channels.find(session, OwnerId(user.user_id), ChannelId(channel_id))))


@router.patch("/{channel_id}", responses={**AUTHENTICATED, **responses(ChannelNotFound, ChannelNotActive)})
async def update_channel(
    channel_id: UUID, body: ChannelChanges, session: OwnedSession, user: CurrentUser
) -> ChannelShown:
    """Rename a channel, switch it off, or on again; what waits for one that is off waits on."""
    owner = OwnerId(user.user_id)
    channel = _existing(await channels.lock(session, owner, ChannelId(channel_id)))
    changes: dict[str, Any] = {} if body.name is None else {"name": body.name}
    if body.enabled is not None:
        if channel.status == "pending":
            raise ChannelNotActive(PENDING)
        changes |= {"status": "active", "trouble": None, "retry_at": now()} if body.enabled else {"status": "disabled"}
    if changes:
        channel = _existing(await channels.save_changes(session, owner, channel.id, **changes))
    return _shown(channel)


@router.delete("/{channel_id}", status_code=204, responses={**AUTHENTICATED, **responses(ChannelNotFound)})
async def delete_channel(channel_id: UUID, session: OwnedSession, user: CurrentUser) -> Response:
    """Forget a channel, its secrets and its log."""
    if not await channels.delete_one(session, OwnerId(user.user_id), ChannelId(channel_id)):
        raise ChannelNotFound(NONE_SUCH)
    return Response(status_code=204)


@router.post("/{channel_id}/confirm", responses={**AUTHENTICATED, **responses(ChannelNotFound, WrongCode)})
async def confirm_code(
    channel_id: UUID, body: Code, resources: Opened, session: OwnedSession, user: CurrentUser
) -> ChannelShown:
    """Confirm a mail address by the code that was sent there."""
    channel = _existing(await channels.lock(session, OwnerId(user.user_id), ChannelId(channel_id)))
    if channel.kind == "telegram" and channel.status == "pending":
        raise WrongCode(
            "Send the command that was shown when the channel was added to the bot, from the chat you mean."
        )
    secrets = resources.sealer.open(channel.sealed, channel.owner, channel.id)
    return _shown(await confirm_channel(session, channel, secrets, body.code, now()))


@router.post(
    "/{channel_id}/test",
    status_code=202,
    responses={**AUTHENTICATED, **responses(ChannelNotFound, ChannelNotActive, TooManyDeliveries)},
)
async def send_test(channel_id: UUID, session: OwnedSession, user: CurrentUser) -> DeliveryShown:
    """Send a test message; whether it arrived is in the log of deliveries."""
    owner = OwnerId(user.user_id)
    draft = _delivery(owner, ChannelId(channel_id), "test", ("", ""), now())
    return DeliveryShown.of(await try_channel(session, owner, ChannelId(channel_id), draft))


@router.get("/{channel_id}/choices", responses={**AUTHENTICATED, **responses(ChannelNotFound)})
async def get_choices(channel_id: UUID, session: OwnedSession, user: CurrentUser) -> Choices:
    """Show what goes to a channel."""
    owner = OwnerId(user.user_id)
    channel = _existing(await channels.find(session, owner, ChannelId(channel_id)))
    every = await preferences.list_choices(session, owner)
    return Choices(choices={kind: choice for (which, kind), choice in every.items() if which == channel.id})


@router.put("/{channel_id}/choices", responses={**AUTHENTICATED, **responses(ChannelNotFound)})
async def set_choices(channel_id: UUID, body: Choices, session: OwnedSession, user: CurrentUser) -> Choices:
    """Choose what goes to a channel, and when."""
    owner = OwnerId(user.user_id)
    channel = _existing(await channels.lock(session, owner, ChannelId(channel_id)))
    chosen: dict[str, Choice] = {str(kind): choice for kind, choice in body.choices.items()}
    await preferences.save_choices(session, owner, channel.id, chosen)
    return body


def _existing(channel: Channel | None) -> Channel:
    if channel is None:
        raise ChannelNotFound(NONE_SUCH)
    return channel


def _shown(channel: Channel) -> ChannelShown:
    return ChannelShown(**_fields(channel))


def _fields(channel: Channel) -> Mapping[str, Any]:
    return {name: getattr(channel, name) for name in ChannelShown.model_fields}


def _delivery(owner: OwnerId, channel: ChannelId, kind: str, words: tuple[str, str], moment: datetime) -> Delivery:
    return Delivery(
        id=DeliveryId(new_id()),
        owner=owner,
        channel=channel,
        kind=kind,
        title=words[0],
        body=words[1],
        data={},
        status="waiting",
        digest=False,
        tries=0,
        error=None,
        created_at=moment,
        due_at=moment,
        settled_at=None,
    )
