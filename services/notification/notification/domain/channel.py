"""Channels: where an owner is told things besides the inbox, and what becomes of a channel that fails."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType, get_args
from uuid import UUID

from notification.domain.owner import OwnerId

ChannelId = NewType("ChannelId", UUID)
ChannelKind = Literal["email", "telegram", "kakao", "slack", "discord", "web_push", "webhook"]
ChannelStatus = Literal["pending", "active", "disabled", "broken"]

KINDS: tuple[ChannelKind, ...] = get_args(ChannelKind)
CHANNELS_MAX = 20
"""Channels of one owner."""
CONFIRMED_BY_CODE: frozenset[ChannelKind] = frozenset({"email", "telegram"})
"""Anybody could name somebody else's mailbox or chat: these begin as pending, until a code has come back from there."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to somebody. `sealed` holds its secrets; `shown` is what its owner recognises it by.

    `retry_at`: no delivery is tried before. It is a lease as well: who has claimed the channel moves it on.
    """

    id: ChannelId
    owner: OwnerId
    kind: ChannelKind
    name: str
    shown: str
    sealed: bytes
    status: ChannelStatus
    trouble: str | None
    chat: str | None
    retry_at: datetime
    created_at: datetime
