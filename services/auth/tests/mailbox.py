"""A real SMTP server on loopback, with a mailbox to look into and ways to be difficult."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from auth.config import Settings

TOKEN = re.compile(r"#token=([\w-]{43})\b")


@dataclass
class Mailbox:
    """What arrived; `refusals` are answered, one for each mail that is offered, before any is taken."""

    mails: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusals:
            return self.refusals.pop(0)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        assert [mail["To"]] == envelope.rcpt_tos
        self.mails.append(mail)
        self.arrived.set()
        return "250 taken"

    def token(self) -> str:
        """The token of the newest mail."""
        found = TOKEN.search(self.mails[-1].get_content())
        assert found is not None, self.mails[-1].get_content()
        return found[1]


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    """Run the server in a thread of its own, on a port of its own choosing."""
    mailbox = Mailbox()
    server = _Server(mailbox)
    server.start()
    try:
        yield mailbox, server.server.sockets[0].getsockname()[1]
    finally:
        server.stop()


class _Server(Controller):
    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox, hostname="127.0.0.1", port=0)

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def with_mail(settings: Settings, port: int, **changes: Any) -> Settings:
    """The settings of a platform that sends mail through the server."""
    mail = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", **changes}
    return settings.model_copy(update=mail)
