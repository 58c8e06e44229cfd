"""What ended before its time, for the other services: like the public keys, for everybody inside."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from kit.clock import now
from kit.db import PublicSession
from pydantic import BaseModel

from auth.store import revocations

TAG_LENGTH_MAX = 100

router = APIRouter(tags=["keys"])


class RevocationList(BaseModel):
    """Sessions and API keys that have ended, and the oldest good token version of people whose rights changed."""

    sessions: list[str]
    versions: dict[str, int]


@router.get(
    "/internal/revocations",
    response_model=RevocationList,
    responses={304: {"description": "Nothing has changed since the list with this ETag."}},
)
async def list_revocations(
    session: PublicSession,
    if_none_match: Annotated[str | None, Header(max_length=TAG_LENGTH_MAX)] = None,
) -> Response:
    """List what the tokens of the last hour can no longer rely on. The gateway does not pass this route."""
    tag = await revocations.find_tag(session)
    if tag == if_none_match:
        return Response(status_code=304)
    living = await revocations.list_living(session, now())
    body = RevocationList(sessions=sorted(living.sessions), versions=dict(living.versions))
    return Response(body.model_dump_json(), media_type="application/json", headers={"ETag": tag})
