"""Ask for everything that is one's own, in every service."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.export import KEPT_FOR, SERVICES, Export, ExportId, Part
from auth.domain.user import UserId
from auth.store import audit, exports


async def ask_export(session: Transaction, owner: UserId, fresh: ExportId, now: datetime) -> Export:
    """Return the export that is under way or fresh, else begin one in place of every earlier one."""
    last = await exports.find_last(session, owner)
    if last is not None and last.is_meant_by(now):
        return last
    export = Export(fresh, now, now + KEPT_FOR, tuple(Part(service, None) for service in sorted(SERVICES)))
    await exports.save(session, owner, export)
    await audit.record(session, now, AuditEntry(str(owner), "export_asked", str(fresh)))
    return export
