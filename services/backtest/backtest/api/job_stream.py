"""/api/v1/backtest/jobs/{id}/events: how far a run has come, as it comes on (server-sent events)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from kit.auth import CurrentUser, Identity, TokenVerifier
from kit.db import Database
from kit.errors import AUTHENTICATED, Unavailable, responses

from backtest.api.following import FINAL, LOOK_SECONDS, counted, kind_of, look, refuse_one_too_many
from backtest.api.jobs import Job
from backtest.errors import RunNotFound, TooManyStreams

router = APIRouter(prefix="/api/v1/backtest/jobs", tags=["runs"])

BEAT_SECONDS = 15.0
"""Said when nothing changes, so that nobody in between takes the stream for dead."""
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The gateway passes each event on as it comes, in place of collecting them to the end."""
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `progress` and at last `end`, each with the job as JSON",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/{run_id}/events",
    response_class=StreamingResponse,
    responses={**AUTHENTICATED, **responses(RunNotFound, TooManyStreams), **STREAMED},
)
async def follow_job(run_id: UUID, request: Request, user: CurrentUser) -> StreamingResponse:
    """Follow a job until it ends, or until the token does: connect again with a new one."""
    database: Database = request.app.state.resources.database
    first = await look(database, user.user_id, run_id)
    refuse_one_too_many(user.user_id)
    stream = _stream(request, database, user, first)
    return StreamingResponse(stream, media_type="text/event-stream", headers=UNBUFFERED)


async def _stream(request: Request, database: Database, user: Identity, job: Job) -> AsyncIterator[bytes]:
    verifier: TokenVerifier = request.app.state.verifier
    ended = asyncio.create_task(verifier.until_ended(user))
    try:
        with counted(user.user_id):
            yield _event(job)
            quiet = 0.0
            while job.status not in FINAL and not ended.done():
                await asyncio.wait([ended], timeout=LOOK_SECONDS)
                before = job
                with suppress(Unavailable):  # the next look may find the database back
                    job = await look(database, user.user_id, job.id)
                quiet = 0.0 if job != before else quiet + LOOK_SECONDS
                if job != before:
                    yield _event(job)
                elif quiet >= BEAT_SECONDS:
                    quiet = 0.0
                    yield b": still there\n\n"
    except RunNotFound:
        return  # removed meanwhile
    finally:
        ended.cancel()


def _event(job: Job) -> bytes:
    return f"event: {kind_of(job)}\nid: {job.progress.done}\ndata: {job.model_dump_json()}\n\n".encode()
