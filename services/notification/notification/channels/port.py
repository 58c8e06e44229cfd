"""The port every channel implements: one message to one destination, and four ways it can end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

SEND_SECONDS_MAX = 20
"""No channel may take longer for one message."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `id` is the first delivery's: a receiver that sees it twice may drop one."""

    id: UUID
    kind: str
    title: str
    body: str
    data: Mapping[str, Any]
    created_at: datetime

    @property
    def text(self) -> str:
        """Title and body, for places that know no titles."""
        return f"{self.title}\n{self.body}".strip()


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has taken it. `secrets` are new ones to keep, when the sending renewed them."""

    secrets: Mapping[str, str] | None = None


class NotNow(Exception):
    """It was not taken this time. `after` is how long the other side wants to be left alone, if it said so."""

    def __init__(self, why: str, after: timedelta | None = None) -> None:
        super().__init__(why)
        self.after = after


class Refused(Exception):
    """This message will never be taken; others may be."""


class Gone(Exception):
    """Nothing will be taken here any more: blocked, revoked, unsubscribed. The owner has to do something."""


class Port(Protocol):
    """A kind of channel."""

    async def send(self, message: Message, secrets: Mapping[str, str]) -> Sent:
        """Hand a message over.

        Args:
            message: what to say.
            secrets: where to and by which key, as they were sealed when the channel was added.

        Raises:
            NotNow, Refused, Gone: never with a secret in the text, for people read it.
        """
