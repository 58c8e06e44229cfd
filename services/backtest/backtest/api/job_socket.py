"""/ws/backtest: how far several runs have come, as they come on."""

import asyncio
import time
from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from kit.auth import Identity, TokenVerifier
from kit.db import Database
from kit.errors import AppError, Unavailable
from kit.observe import websocket_clients
from kit.websocket import (
    NOT_ALLOWED,
    NOT_AUTHENTICATED,
    TOO_MANY,
    ClientQueue,
    authenticate,
    close,
    receive,
)
from pydantic import BaseModel, Field, ValidationError

from backtest.api.following import FINAL, LOOK_SECONDS, counted, kind_of, look, look_at_some, refuse_one_too_many
from backtest.api.jobs import Job
from backtest.domain.run import RUNS_WAITING_MAX
from backtest.errors import TooManyStreams

router = APIRouter()

JOBS_MAX = RUNS_WAITING_MAX
"""Jobs of one connection: as many as a person can have under way."""
MESSAGES_PER_MINUTE_MAX = 100
MINUTE_SECONDS = 60
CLOSE_SECONDS_MAX = 5
WORDS = 'send {"action":"subscribe","jobs":["<id>"]}, {"action":"unsubscribe","jobs":["<id>"]} or {"action":"ping"}'
EXPECTED = (WebSocketDisconnect, TimeoutError, asyncio.CancelledError)
"""How a conversation ends when the client leaves, stalls, or is left."""


class Choice(BaseModel):
    """`subscribe` and `unsubscribe`."""

    action: Literal["subscribe", "unsubscribe"]
    jobs: Annotated[list[UUID], Field(min_length=1, max_length=JOBS_MAX)]


class Follower:
    """The unfinished jobs that one client follows, each as it was told last."""

    def __init__(self, database: Database, owner: UUID, queue: ClientQueue) -> None:
        self._database, self._owner, self._queue = database, owner, queue
        self._told: dict[UUID, Job] = {}

    async def answer(self, message: dict[str, Any]) -> None:
        """Do what a message asks for, and say so."""
        if message.get("action") == "ping":
            self._queue.put_json({"type": "pong"})
            return
        try:
            choice = Choice.model_validate(message)
        except ValidationError:
            self._complain("bad_message", WORDS)
            return
        if choice.action == "unsubscribe":
            for run_id in choice.jobs:
                self._told.pop(run_id, None)
            self._queue.put_json({"type": "unsubscribed", "jobs": [str(run_id) for run_id in choice.jobs]})
            return
        for run_id in choice.jobs:
            await self._begin(run_id)

    async def tell_news(self) -> None:
        """Look at all jobs at once, and tell of those that have come on; the next look may find the database back."""
        if not self._told:
            return
        told = dict(self._told)
        with suppress(Unavailable):
            found = await look_at_some(self._database, self._owner, list(told))
            for run_id, before in told.items():
                if self._told.get(run_id) is not before:  # the client wished otherwise meanwhile
                    continue
                if run_id not in found:  # removed
                    del self._told[run_id]
                elif found[run_id] != before:
                    self._tell(found[run_id])

    async def _begin(self, run_id: UUID) -> None:
        if run_id not in self._told and len(self._told) >= JOBS_MAX:
            self._complain("too_many_jobs", f"a connection follows {JOBS_MAX} jobs; unsubscribe from one")
            return
        try:
            self._tell(await look(self._database, self._owner, run_id))
        except AppError as refused:
            self._complain(refused.code, f"{run_id}: {refused.detail}")

    def _tell(self, job: Job) -> None:
        self._queue.put_json({"type": kind_of(job), "data": job.model_dump(mode="json")})
        self._told[job.id] = job
        if job.status in FINAL:
            del self._told[job.id]

    def _complain(self, code: str, detail: str) -> None:
        self._queue.put_json({"type": "error", "code": code, "detail": detail})


@router.websocket("/ws/backtest")
async def job_socket(socket: WebSocket) -> None:
    """Serve one client until it leaves, falls behind, sends too much, or its token ends."""
    identity = await authenticate(socket, socket.app.state.verifier)
    if identity is None:
        return
    if identity.role == "service":
        await close(socket, NOT_ALLOWED, "this stream is for people")
        return
    try:
        refuse_one_too_many(identity.user_id)
    except TooManyStreams as refused:
        await close(socket, TOO_MANY, refused.detail)
        return
    with counted(identity.user_id), websocket_clients.labels("backtest").track_inprogress():
        await _serve(socket, identity)


async def _serve(socket: WebSocket, identity: Identity) -> None:
    queue = ClientQueue(socket)
    verifier: TokenVerifier = socket.app.state.verifier
    follower = Follower(socket.app.state.resources.database, identity.user_id, queue)
    sending = asyncio.create_task(queue.send_forever())
    reading = asyncio.create_task(_read(socket, follower))
    guard = asyncio.create_task(verifier.until_ended(identity))
    ends: set[asyncio.Task[Any]] = {sending, reading, guard}
    try:
        while not (done := (await asyncio.wait(ends, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]):
            await follower.tell_news()
    finally:
        for task in ends:
            task.cancel()
        outcomes = await asyncio.gather(sending, reading, guard, return_exceptions=True)
    if guard in done:
        await _close(socket, NOT_AUTHENTICATED, guard.result())
    elif reading in done and outcomes[1] is None:
        await _close(socket, TOO_MANY, f"more than {MESSAGES_PER_MINUTE_MAX} messages a minute")
    for outcome in outcomes[:2]:
        if isinstance(outcome, BaseException) and not isinstance(outcome, EXPECTED):
            raise outcome


async def _read(socket: WebSocket, follower: Follower) -> None:
    """Answer what the client says; return when it says too much."""
    minute, messages = time.monotonic(), 0
    while messages < MESSAGES_PER_MINUTE_MAX:
        try:
            message = await receive(socket)
        except ValueError:
            message = {}
        await follower.answer(message)
        messages += 1
        if time.monotonic() - minute > MINUTE_SECONDS:
            minute, messages = time.monotonic(), 0


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(close(socket, code, reason), CLOSE_SECONDS_MAX)
