"""The kill switches of an owner; that of the whole platform is in store/system.py."""

from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from trading.domain.halt import Halt, HaltMode
from trading.store.tables import halts

_INSERT = insert(halts)
SAVE = _INSERT.on_conflict_do_update(
    index_elements=["owner_id", "scope", "scope_id"],
    set_={name: _INSERT.excluded[name] for name in ("mode", "reason", "halted_at")},
)
DELETE = delete(halts).where(
    halts.c.owner_id == bindparam("owner"),
    halts.c.scope == bindparam("of_scope"),
    halts.c.scope_id == bindparam("of_scope_id"),
)
HALTS_MAX = 1_000
ALL = Statement(
    select(halts).where(halts.c.owner_id == bindparam("owner")).order_by(halts.c.halted_at).limit(HALTS_MAX)
)


async def save(session: Session, owner: UUID, halt: Halt) -> None:
    """Throw a switch, or throw it otherwise."""
    values = {"mode": halt.mode, "reason": halt.reason, "halted_at": halt.halted_at}
    await session.execute(SAVE, {"owner_id": owner, "scope": halt.level, "scope_id": halt.scope_id, **values})


async def delete_one(session: Session, owner: UUID, level: str, scope_id: UUID) -> bool:
    """Release a switch; False when it was not thrown."""
    result = await session.execute(DELETE, {"owner": owner, "of_scope": level, "of_scope_id": scope_id})
    return result.rowcount == 1


async def list_all(session: Session, owner: UUID) -> list[Halt]:
    """List every switch that is thrown."""
    return [
        Halt(
            level=row.scope,
            scope_id=row.scope_id,
            mode=HaltMode(row.mode),
            reason=row.reason,
            halted_at=row.halted_at,
        )
        for row in await ALL.all(session, {"owner": owner})
    ]
