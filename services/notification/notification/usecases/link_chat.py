"""Link a chat to the channel whose code came from it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from kit.db import Session

from notification.domain import reply
from notification.domain.channel import Channel, ChannelId
from notification.domain.confirmation import confirms
from notification.store import channels, preferences, system

Open = Callable[[Channel], dict[str, str]]
Seal = Callable[[Channel, dict[str, str]], bytes]


async def link_chat(session: Session, chat: str, code: str, seals: tuple[Open, Seal], now: datetime) -> str:
    """Make the pending channel of a code active and its chat this one; return what to answer.

    Args:
        session: the worker's: whose channel it is, the code says.
        chat: where the command came from.
        code: `channel-code`, as it was shown when the channel was added.
        seals: how secrets are opened and sealed.
        now: when.
    """
    opened, sealed = seals
    name, _, secret = code.partition("-")
    try:
        channel = await system.lock_channel(session, ChannelId(UUID(hex=name)))
    except ValueError:
        channel = None
    if channel is None or channel.kind != "telegram" or channel.status != "pending":
        return reply.BAD_CODE
    secrets = opened(channel)
    if not confirms(secret, secrets, channel.created_at, now):
        return reply.BAD_CODE
    if await system.find_channel_of_chat(session, chat) is not None:
        return reply.TAKEN
    changes = {"status": "active", "chat": chat, "sealed": sealed(channel, {"chat": chat}), "retry_at": now}
    await channels.save_changes(session, channel.owner, channel.id, **changes)
    language = (await preferences.find(session, channel.owner)).language
    return reply.LINKED[language] + reply.HELP[language]
