"""What is somebody's in a service: given to its owner as one document, and deleted when its owner has left.

Each service names its tables in `store/belongings.py`; a table that nobody named turns its tests red.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Table, delete, select

from kit.auth import CurrentService
from kit.db import Database, Session
from kit.errors import AUTHENTICATED, NotFound, responses
from kit.events import events
from kit.json import dumps

PORTION: Final = 500
ASKED_BY: Final = "auth"
NOTHING_HIDDEN: Final[Mapping[Table, Collection[str]]] = {}


async def list_rows(
    session: Session, owner: UUID, told: Sequence[Table], hidden: Mapping[Table, Collection[str]] = NOTHING_HIDDEN
) -> AsyncIterator[bytes]:
    """Yield one JSON document in pieces: each table's rows under its name, decimals as strings.

    Args:
        session: a transaction, in which nothing but this happens.
        owner: whose rows.
        told: the tables, each with a column `owner_id`.
        hidden: columns that are not told: secrets and what is made of them.
    """
    opening = b"{"
    for table in told:
        yield opening + b'"%s":[' % table.name.encode()
        shown = [column for column in table.c if column.name not in hidden.get(table, ())]
        names = [str(column.name) for column in shown]
        mine = select(*shown).where(table.c.owner_id == owner)
        between = b""
        async for row in await session.stream(mine, execution_options={"yield_per": PORTION}):
            yield between + dumps(dict(zip(names, row, strict=True)))
            between = b","
        opening = b"],"
    yield b"]}"


async def find_unsent(session: Session, owner: UUID) -> bool:
    """Tell whether facts of somebody's still wait to be published: deleted, they would be lost."""
    waiting = select(events.c.id).where(events.c.owner_id == owner, events.c.published_at.is_(None)).limit(1)
    return (await session.scalar(waiting)) is not None


async def delete_rows(session: Session, owner: UUID, tables: Sequence[Table]) -> None:
    """Delete what is somebody's, table by table: what refers to another goes first. For the worker role."""
    for table in tables:
        await session.execute(delete(table).where(table.c.owner_id == owner))


async def delete_facts(session: Session, owner: UUID) -> None:
    """Delete somebody's published facts from the history. For the worker role."""
    await session.execute(delete(events).where(events.c.owner_id == owner, events.c.published_at.is_not(None)))


async def list_old_leavers(session: Session, leavers: Table, erased_until: datetime) -> list[UUID]:
    """List whose last things were kept long enough: who left, and was erased by then but for what a law wants kept."""
    old = select(leavers.c.owner_id).where(leavers.c.erased_at <= erased_until).order_by(leavers.c.erased_at)
    return list((await session.scalars(old.limit(PORTION))).all())


def router_of(
    told: Sequence[Table], hidden: Mapping[Table, Collection[str]] = NOTHING_HIDDEN, *, as_worker: bool = False
) -> APIRouter:
    """Answer auth, which collects exports; `as_worker` where the app role may not read every column."""
    router = APIRouter(prefix="/internal", tags=["internal"])

    @router.get(
        "/belongings/{owner}",
        responses={**AUTHENTICATED, **responses(NotFound)},
        response_model=dict[str, list[dict[str, object]]],
    )
    async def read_belongings(service: CurrentService, owner: UUID, request: Request) -> StreamingResponse:
        """Give every row of somebody's, by table. The gateway does not pass this route."""
        if service.name != ASKED_BY:
            raise NotFound("Only auth is given what is somebody's.")
        database: Database = request.app.state.resources.database

        async def document() -> AsyncIterator[bytes]:
            async with database.system() if as_worker else database.owned(owner) as session:
                async for piece in list_rows(session, owner, told, hidden):
                    yield piece

        return StreamingResponse(document(), media_type="application/json")

    return router
