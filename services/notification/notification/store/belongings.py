"""Everything that is somebody's here: as they are given it, and what becomes of it when they leave."""

from typing import Final

from notification.store.tables import (
    alerts,
    channel_choices,
    channels,
    deliveries,
    locks,
    notifications,
    preferences,
    standing,
    stream,
    stream_heads,
)

TOLD: Final = (notifications, alerts, stream, channels, channel_choices, deliveries, preferences)
HIDDEN: Final = {channels: frozenset({"sealed"})}
"""How a channel is reached and its secrets: never shown again, to nobody."""
UNTOLD: Final = {
    "stream_heads": "where the numbering of the stream is",
    "standing": "the newest of what trading and the stream tell already, for answers by chat",
    "locks": "that the account is closed, as auth tells",
    "events": "the outbox: facts about what is told from its own tables",
}
ERASED: Final = (
    *(stream, stream_heads, notifications, alerts, standing),
    *(deliveries, channel_choices, channels, preferences, locks),
)
"""Deleted when somebody leaves, in this sequence: what refers to another goes first."""
KEPT: Final[dict[str, str]] = {}
"""What stays when somebody leaves, and why; the bare id that owns it names nobody any more."""
