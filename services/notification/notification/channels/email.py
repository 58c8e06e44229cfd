"""Mail, by the operator's SMTP server."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from notification.channels.port import SEND_SECONDS_MAX, Gone, Message, NotNow, Refused, Sent

NO_SUCH_MAILBOX = frozenset({550, 551, 553})


@dataclass(frozen=True)
class MailServer:
    """The operator's server."""

    host: str
    port: int
    security: str
    username: str | None
    password: str | None
    sender: str


@dataclass(frozen=True)
class Email:
    """Sends mails in plain text."""

    server: MailServer

    async def send(self, message: Message, secrets: Mapping[str, str]) -> Sent:
        """Hand over; the mail's id is the delivery's, so that a mail sent twice is one to whoever reads it."""
        server = self.server
        try:
            await aiosmtplib.send(
                self._mail(message, secrets["address"]),
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                timeout=SEND_SECONDS_MAX,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            if any(each.code in NO_SUCH_MAILBOX for each in refused.recipients):
                raise Gone("the mail server says there is no such mailbox") from None
            raise NotNow("the mail server does not take mail for this mailbox now") from None
        except aiosmtplib.SMTPResponseException as answered:
            if answered.code == 535:
                raise NotNow("the mail server does not know us: the operator has to set its password again") from None
            if answered.code >= 500:
                raise Refused(f"the mail server refused the mail ({answered.code})") from None
            raise NotNow(f"the mail server answered {answered.code}") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as failed:
            raise NotNow(f"the mail server does not answer: {type(failed).__name__}") from None
        return Sent()

    def _mail(self, message: Message, address: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.server.sender, address, " ".join(message.title.split())
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.id}@{self.server.sender.rpartition('@')[2].rstrip('>')}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text + "\n")
        return mail
