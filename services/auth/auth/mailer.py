"""Mails leave by the operator's SMTP server, one after the other, from the worker: no request ever waits for it."""

import asyncio
import secrets
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib
from kit.clock import now  # tidy: allow clock because sending is an edge, like worker.py, whose job this is
from kit.db import Database
from kit.errors import Unavailable
from kit.observe import log

from auth.config import Settings
from auth.domain.mail import pause_after
from auth.domain.session import SECRET_BYTES, encode
from auth.store import mails
from auth.usecases.take_mail import Outgoing, take_mail

POLL_SECONDS = 1.0
TIMEOUT_SECONDS = 20


async def send_mails_forever(database: Database, settings: Settings) -> None:
    """Send what is due, as long as the worker lives; a server or database that is away only makes mails late."""
    while True:
        try:
            sent = await send_next(database, settings)
        except Unavailable as down:
            log.warning("no mail sent", error=str(down))
            sent = False
        if not sent:
            await asyncio.sleep(POLL_SECONDS)


async def send_next(database: Database, settings: Settings) -> bool:
    """Send the mail that is due the longest; tell whether there was one.

    Taken in one transaction, settled in another, handed over between the two: a crash sends it once more.
    """
    async with database.system() as session:
        mail = await take_mail(session, settings.public_url, encode(secrets.token_bytes(SECRET_BYTES)), now())
    if mail is None:
        return False
    later = await _hand_over(mail, settings)
    async with database.system() as session:
        if later is None:
            await mails.save_sent(session, mail.id, now())
        else:
            await mails.save_later(session, mail.id, now() + later)
    return True


async def _hand_over(mail: Outgoing, settings: Settings) -> timedelta | None:
    """Give the mail to the server; return None when it took it, else how long to wait before the next try."""
    password = settings.smtp_password
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await aiosmtplib.send(
                message_of(mail, settings.mail_from, now()),
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username,
                password=None if password is None else password.get_secret_value(),
                use_tls=settings.smtp_security == "tls",
                start_tls=settings.smtp_security == "starttls",
                timeout=TIMEOUT_SECONDS,
            )
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as failed:
        pause = pause_after(mail.tries)
        log.warning("a mail was not taken", mail=str(mail.id), tries=mail.tries + 1, error=type(failed).__name__)
        return pause
    return None


def message_of(mail: Outgoing, sender: str, moment: datetime) -> EmailMessage:
    """Write the message; its id is the mail's, so that a mail sent twice is one to whoever reads it."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, mail.recipient, mail.text.subject
    message["Date"] = format_datetime(moment)
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text.body)
    return message
