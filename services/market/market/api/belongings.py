"""For auth, which collects exports: everything that is one person's here."""

from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from kit.auth import CurrentService
from kit.db import Database
from kit.errors import AUTHENTICATED, NotFound, responses

from market.store import belongings

router = APIRouter(prefix="/internal", tags=["internal"])

ASKED_BY = "auth"


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
        async with database.owned(owner) as session:
            async for piece in belongings.list_all(session, owner):
                yield piece

    return StreamingResponse(document(), media_type="application/json")
