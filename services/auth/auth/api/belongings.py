"""For auth's own collector: everything that is one person's here."""

from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from kit.auth import CurrentService
from kit.errors import AUTHENTICATED, NotFound, responses

from auth.domain.user import UserId
from auth.resources import Opened
from auth.store import belongings

router = APIRouter(prefix="/internal", tags=["internal"])

ASKED_BY = "auth"


@router.get(
    "/belongings/{owner}",
    responses={**AUTHENTICATED, **responses(NotFound)},
    response_model=dict[str, list[dict[str, object]]],
)
async def read_belongings(service: CurrentService, owner: UUID, resources: Opened) -> StreamingResponse:
    """Give every row of somebody's, by table, for an export. The gateway does not pass this route."""
    if service.name != ASKED_BY:
        raise NotFound("Only auth is given what is somebody's.")

    async def document() -> AsyncIterator[bytes]:
        async with resources.database.system() as session:
            async for piece in belongings.list_all(session, UserId(owner)):
                yield piece

    return StreamingResponse(document(), media_type="application/json")
