"""Exports of one owner, with their parts."""

from kit.db import Session as Transaction
from sqlalchemy import delete, insert, select

from auth.domain.export import Export, ExportId, Part
from auth.domain.user import UserId
from auth.store.tables import export_parts, exports


async def find_last(session: Transaction, owner: UserId) -> Export | None:
    """Return what the owner asked for last."""
    statement = select(exports).where(exports.c.owner_id == owner).order_by(exports.c.asked_at.desc()).limit(1)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    columns = (export_parts.c.service, export_parts.c.done_at, export_parts.c.failure)
    mine = select(*columns).where(export_parts.c.owner_id == owner, export_parts.c.export_id == row.id)
    parts = await session.execute(mine.order_by(export_parts.c.service))
    return Export(ExportId(row.id), row.asked_at, row.expires_at, tuple(Part(*part) for part in parts))


async def save(session: Transaction, owner: UserId, export: Export) -> None:
    """Save an export whose parts are all due, in place of every earlier one."""
    await session.execute(delete(exports).where(exports.c.owner_id == owner))
    times = {"asked_at": export.asked_at, "expires_at": export.expires_at}
    await session.execute(insert(exports).values(owner_id=owner, id=export.id, **times))
    rows = [
        {"owner_id": owner, "export_id": export.id, "service": part.service, "due_at": export.asked_at}
        for part in export.parts
    ]
    await session.execute(insert(export_parts), rows)


async def find_bodies(session: Transaction, owner: UserId, export_id: ExportId) -> dict[str, bytes]:
    """Return what each service answered, compressed as `store.system.save_part` was given it."""
    columns = (export_parts.c.service, export_parts.c.body)
    mine = select(*columns).where(export_parts.c.owner_id == owner, export_parts.c.export_id == export_id)
    return {row.service: row.body for row in await session.execute(mine.where(export_parts.c.body.is_not(None)))}
