"""Check the audit log against itself and against the heads that were written down outside the database."""

from collections.abc import Iterable
from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import Anchor, Flawed, Proof
from auth.store import audit


async def verify_audit(session: Transaction, anchors: Iterable[Anchor], now: datetime) -> tuple[int, str | None]:
    """Return how many entries hold, and what is wrong with the next, or None.

    The log is read a portion at a time and not kept, so that a log of years takes no more memory than one of a day.
    """
    proof = Proof(anchors, now)
    first = await audit.find_first(session)
    try:
        async for sealed in audit.list_from(session, first or 1):
            proof.read(sealed)
        proof.end()
    except Flawed as flaw:
        return proof.entries, str(flaw)
    return proof.entries, None
