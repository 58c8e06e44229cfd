"""Cut off what the audit log has kept long enough, once it is proven, and say so in the log itself."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import KEPT_FOR, Anchor, AuditEntry, Flawed, Proof
from auth.store import audit


async def cut_audit(session: Transaction, heads: Sequence[Anchor], now: datetime) -> int:
    """Return how many entries were cut off: those up to the last of the heads that an entry still follows.

    The last entry stays whatever its age: the next one seals it. What is cut off is read and proven first, because
    nobody can do so afterwards; what stays seals the hash of its last entry, which is written down outside.

    Args:
        session: of the worker role.
        heads: those from just before the log's first entry on that are old enough, in the order of their writing.
        now: the time.

    Raises:
        Flawed: when it is not what was written. It is evidence then, and stays.
    """
    first, end = await audit.lock_first(session), await audit.find_head(session)
    if first is None or end is None:
        return 0
    last = max((head.position for head in heads if head.position < end[0]), default=0)
    if last < first:
        return 0
    proof = Proof((head for head in heads if head.position <= last), now)
    async for sealed in audit.list_from(session, first, last):
        proof.read(sealed)
        if sealed.occurred_at > now - KEPT_FOR:
            raise Flawed(f"entry {sealed.position} is younger than the head that was written down after it")
    proof.end()
    removed = await audit.delete_up_to(session, last)
    said = {"from": str(first), "to": str(last)}
    await audit.record(session, now, AuditEntry("operator", "audit_log_cut", "audit_log", old=said))
    return removed
