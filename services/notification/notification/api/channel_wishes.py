"""What people send to add a channel, by kind, and how it becomes one."""

import os
import re
import secrets as randomness
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from kit.errors import Unavailable
from kit.ids import new_id
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from notification.channels.catalogue import Catalogue
from notification.channels.outward import URL_LENGTH_MAX, NotAllowed
from notification.channels.port import Gone, NotNow, Refused
from notification.channels.web_push import SECRET_BYTES, BadSubscription, decode, point
from notification.domain.channel import CONFIRMED_BY_CODE, Channel, ChannelId
from notification.domain.confirmation import code_from
from notification.domain.owner import OwnerId
from notification.errors import ChannelNotOffered, ChannelUnusable
from notification.sealing import Sealer

MAILBOX = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}", re.ASCII)
SHOWN_MAX = 200
SIGNING_SECRET_BYTES = 32


def _mailbox(text: str) -> str:
    if not MAILBOX.fullmatch(text):
        raise ValueError("is not a mail address")
    return text


Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S(?:.*\S)?$", examples=["My phone"])]
Url = Annotated[str, Field(min_length=8, max_length=URL_LENGTH_MAX)]
Key = Annotated[str, Field(min_length=16, max_length=128)]


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name


class EmailWish(_Wish):
    """Mail to an address that is confirmed by a code sent there."""

    kind: Literal["email"]
    address: Annotated[str, Field(max_length=254, examples=["haneul@example.com"]), AfterValidator(_mailbox)]


class TelegramWish(_Wish):
    """A chat with the installation's bot; send it `/start` and the code of the answer."""

    kind: Literal["telegram"]


class KakaoWish(_Wish):
    """KakaoTalk, by the code that Kakao's consent page gave (scope talk_message) and the address it came back to."""

    kind: Literal["kakao"]
    code: Annotated[str, Field(min_length=1, max_length=512)]
    redirect_uri: Url


class SlackWish(_Wish):
    """An incoming webhook of Slack."""

    kind: Literal["slack"]
    url: Url


class DiscordWish(_Wish):
    """A webhook of a Discord channel."""

    kind: Literal["discord"]
    url: Url


class WebhookWish(_Wish):
    """An https address of your own; each request is signed with the secret of the answer."""

    kind: Literal["webhook"]
    url: Url


class PushKeys(BaseModel):
    """A browser's keys, base64url."""

    model_config = ConfigDict(extra="forbid")

    p256dh: Key
    auth: Key


class WebPushWish(_Wish):
    """What `PushSubscription.toJSON()` says in a browser that subscribed with the key of `GET …/offered`."""

    kind: Literal["web_push"]
    endpoint: Url
    keys: PushKeys


Wish = Annotated[
    EmailWish | TelegramWish | KakaoWish | SlackWish | DiscordWish | WebhookWish | WebPushWish,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Made:
    """A channel that is not saved yet, and the secrets in it."""

    channel: Channel
    secrets: dict[str, str]


@dataclass(frozen=True)
class Maker:
    """Makes channels of wishes: asks the outside where that is needed, so no transaction is open."""

    catalogue: Catalogue
    sealer: Sealer

    async def make(self, wish: Wish, owner: OwnerId, now: datetime) -> Made:
        """Check a wish and seal its secrets.

        Raises:
            ChannelNotOffered, ChannelUnusable: with what to do about it.
            Unavailable: when the outside does not answer.
        """
        if wish.kind not in self.catalogue.ports:
            raise ChannelNotOffered(f"The operator has not set up {wish.kind}: ask them, or choose another channel.")
        try:
            secrets, shown = await self._secrets_of(wish)
        except (NotAllowed, BadSubscription, Gone, Refused) as useless:
            raise ChannelUnusable(f"Nothing can be sent there: {useless}.") from None
        except NotNow as later:
            raise Unavailable(f"It cannot be tried now: {later}.", 5) from None
        if wish.kind in CONFIRMED_BY_CODE:
            secrets["code"] = code_from(os.urandom(16))
        channel_id = ChannelId(new_id())
        channel = Channel(
            id=channel_id,
            owner=owner,
            kind=wish.kind,
            name=wish.name,
            shown=shown[:SHOWN_MAX],
            sealed=self.sealer.seal(secrets, owner, channel_id),
            status="pending" if wish.kind in CONFIRMED_BY_CODE else "active",
            trouble=None,
            chat=None,
            retry_at=now,
            created_at=now,
        )
        return Made(channel, secrets)

    async def _secrets_of(self, wish: Wish) -> tuple[dict[str, str], str]:
        match wish:
            case EmailWish():
                return {"address": wish.address}, wish.address
            case TelegramWish():
                return {}, "Telegram"
            case KakaoWish():
                assert self.catalogue.kakao is not None, "it is offered"
                return await self.catalogue.kakao.redeem(wish.code, wish.redirect_uri), "KakaoTalk"
            case WebPushWish():
                point(decode(wish.keys.p256dh))
                if len(decode(wish.keys.auth)) != SECRET_BYTES:
                    raise BadSubscription("the browser's `auth` is not 16 bytes long")
                keys = {"p256dh": wish.keys.p256dh, "auth": wish.keys.auth}
                return {"endpoint": wish.endpoint, **keys}, await self._host(wish.endpoint)
            case WebhookWish():
                secret = randomness.token_urlsafe(SIGNING_SECRET_BYTES)
                return {"url": wish.url, "signing_secret": secret}, await self._host(wish.url)
            case SlackWish() | DiscordWish():
                begins = self.catalogue.beginnings[wish.kind]
                if not wish.url.startswith(begins):
                    raise NotAllowed(f"a {wish.kind} address begins with {begins}")
                return {"url": wish.url}, await self._host(wish.url)

    async def _host(self, url: str) -> str:
        """Return what is shown of an address: its host, for the rest of it is a secret."""
        await self.catalogue.outward.check(url)
        return urlsplit(url).hostname or ""
