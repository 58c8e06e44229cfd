"""Check the audit log against itself and against the heads that were written down outside the database."""

from collections.abc import Iterable

from kit.db import Session as Transaction

from auth.domain.audit import Anchor, first_flaw
from auth.store import audit


async def verify_audit(session: Transaction, anchors: Iterable[Anchor]) -> tuple[int, str | None]:
    """Return how many entries there are, and what is wrong first, or None."""
    log = [sealed async for sealed in audit.list_all(session)]
    return len(log), first_flaw(log, anchors)
