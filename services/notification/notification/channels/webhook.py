"""Signed webhooks: JSON to an address of the owner's, which only we can have written."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kit.json import dumps

from notification.channels.outward import NotAllowed, Outward, judge
from notification.channels.port import Gone, Message, Sent


@dataclass(frozen=True)
class Webhook:
    """Posts `{id, kind, title, body, data, created_at}`, signed as the card explains."""

    outward: Outward
    clock: Callable[[], datetime]

    async def send(self, message: Message, secrets: Mapping[str, str]) -> Sent:
        """Hand over; a receiver answers 2xx within five seconds."""
        content = dumps(
            {
                "id": str(message.id),
                "kind": message.kind,
                "title": message.title,
                "body": message.body,
                "data": message.data,
                "created_at": message.created_at.isoformat(),
            }
        )
        moment = str(int(self.clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Exodus-Id": str(message.id),
            "Exodus-Timestamp": moment,
            "Exodus-Signature": f"v1={signature(secrets['signing_secret'], moment, content)}",
        }
        try:
            judge(await self.outward.post(secrets["url"], content, headers))
        except NotAllowed as refused:
            raise Gone(str(refused)) from None
        return Sent()


def signature(secret: str, moment: str, content: bytes) -> str:
    """HMAC-SHA256 over `timestamp.body` in hexadecimal digits: what a receiver computes and compares."""
    return hmac.new(secret.encode(), moment.encode() + b"." + content, hashlib.sha256).hexdigest()
