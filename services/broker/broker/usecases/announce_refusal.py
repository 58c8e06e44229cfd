"""Announce that a broker does not take somebody's credentials any more."""

from datetime import datetime
from typing import Final

from kit.db import Session
from kit.events import record

from broker.domain.account_report import digest_of
from broker.events import ConnectionRefused
from broker.store import account_reports
from broker.usecases.report_account import Whose

REFUSED: Final = digest_of(["the credentials are refused"])
"""Stands where the digest of the account's last report does: told once, until the account has been read again."""


async def announce_refusal(session: Session, whose: Whose, text: str, at: datetime) -> None:
    """One event for each time that it begins; the account is news when it can be read again."""
    if await account_reports.save_digest(session, whose.owner, whose.connection, REFUSED, at):
        broker = whose.remote.capabilities.broker
        await record(
            session, ConnectionRefused(connection_id=whose.connection, broker=broker, text=text), owner=whose.owner
        )
