"""Everything that is somebody's here: as they are given it, and what becomes of it when they leave."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.db import Session
from sqlalchemy.dialects.postgresql import insert

from broker.store.tables import (
    account_reports,
    attempts,
    broker_executions,
    connection_secrets,
    connections,
    leavers,
    owner_keys,
)

TOLD: Final = (connections, attempts, broker_executions)
UNTOLD: Final = {
    "connection_secrets": "sealed keys of brokers: never shown again, to nobody",
    "owner_keys": "what those are sealed by",
    "leavers": "that somebody has left: nobody is there to be told",
    "account_reports": "a digest of what was last announced: no words and no figures",
    "events": "the outbox: facts about what is told from its own tables",
}
ERASED: Final = (account_reports, connection_secrets, owner_keys, connections)
"""Deleted when somebody leaves, in this sequence: what refers to another goes first."""
KEPT: Final[dict[str, str]] = {
    "attempts": "what was sent to a broker in somebody's name, by bare ids: EVIDENCE_KEPT",
    "leavers": "a bare id, to know when the others go",
    "broker_executions": "what a broker says was traded, by bare ids: EVIDENCE_KEPT",
}
"""What stays when somebody leaves, and why; the bare id that owns it names nobody any more."""
OLD: Final = (broker_executions, attempts, leavers)
"""The kept ones in the sequence in which they go when they are old; the bare id goes last."""
EVIDENCE_KEPT: Final = timedelta(days=2_375)
"""As long as trading keeps the books that it is evidence for."""


async def save_leaver(session: Session, owner: UUID, erased_at: datetime) -> None:
    """Remember that somebody has left; the first time counts."""
    await session.execute(insert(leavers).values(owner_id=owner, erased_at=erased_at).on_conflict_do_nothing())
