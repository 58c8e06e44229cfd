"""`/ws/backtest` behind a real server: what a person hears of jobs while they are computed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from backtest.api import job_socket
from backtest.api.following import STREAMS_MAX
from backtest.domain.run import Run, RunId
from backtest.usecases.cancel_run import cancel_run
from backtest.usecases.compute_chunk import compute_chunk
from backtest.usecases.execute_run import Errand, execute_run
from backtest.usecases.remove_run import remove_run
from backtest.workshop import Workshop
from fastapi import FastAPI
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from kit.testing.serving import serving
from kit.testing.tokens import Tokens
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from services.backtest.tests.builders import a_sweep
from services.backtest.tests.people import Queue, queued

SOON_SECONDS = 60
THREE_CHUNKS = {"fast": list(range(5, 45)), "slow": list(range(50, 80))}
"""1,200 combinations, 500 to a chunk."""


class Listener:
    """Somebody on `/ws/backtest` who has said who they are."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def say(self, **message: Any) -> None:
        await self._connection.send(json.dumps(message))

    async def subscribe(self, *jobs: Any) -> None:
        await self.say(action="subscribe", jobs=[str(job) for job in jobs])

    async def hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self._connection.recv(), SOON_SECONDS))
        return message

    async def hears_progress(self) -> tuple[str, str, int]:
        """What kind of news, the job's status, and how many trials are done."""
        message = await self.hear()
        return message["type"], message["data"]["status"], message["data"]["progress"]["done"]

    async def closed_with(self) -> int | None:
        async with asyncio.timeout(SOON_SECONDS):
            with suppress(ConnectionClosed):
                while True:
                    await self._connection.recv()
        return self._connection.close_code


Enter = Callable[..., AbstractAsyncContextManager[Listener]]


@pytest_asyncio.fixture
async def enter(app: FastAPI, tokens: Tokens) -> AsyncIterator[Enter]:
    """`async with enter(owner) as listener`: with a token of that owner, or with the claims given."""
    async with serving(app) as address:

        @asynccontextmanager
        async def opened(owner: UUID, **claims: Any) -> AsyncIterator[Listener]:
            token = tokens.sign(tokens.claims(owner) | claims)
            async with connect(f"{address.replace('http', 'ws')}/ws/backtest", compression=None) as connection:
                listener = Listener(connection)
                await listener.say(action="auth", token=token)
                assert (await listener.hear())["type"] == "authenticated"
                yield listener

        yield opened


async def divided(workshop: Workshop, owner: UUID) -> Run:
    run = await queued(workshop.database, owner, a_sweep(grid=THREE_CHUNKS))
    await execute_run(workshop, Errand(owner, run.id, new_id()))
    return run


async def canceled(database: Database, owner: UUID, run_id: RunId) -> None:
    async with database.owned(owner) as session:
        await cancel_run(session, owner, run_id, now())


@pytest.mark.requirement("product 4: progress")
async def test_each_chunk_is_heard_of_until_the_end(enter: Enter, workshop: Workshop, queue: Queue) -> None:
    owner = uuid4()
    run = await divided(workshop, owner)
    async with enter(owner) as listener:
        await listener.subscribe(run.id)
        assert await listener.hears_progress() == ("progress", "running", 0)
        for done in (500, 1_000):
            await compute_chunk(workshop, queue.tickets.popleft())
            assert await listener.hears_progress() == ("progress", "running", done)
        await compute_chunk(workshop, queue.tickets.popleft())
        while (heard := await listener.hears_progress())[0] == "progress":
            assert heard[2] == 1_200
        assert heard == ("end", "done", 1_200)
        await listener.subscribe(run.id)
        assert await listener.hears_progress() == ("end", "done", 1_200)


async def test_of_several_jobs_only_those_that_are_still_followed_are_heard_of(
    enter: Enter, workshop: Workshop
) -> None:
    owner = uuid4()
    left, removed, kept = [await divided(workshop, owner) for _ in range(3)]
    async with enter(owner) as listener:
        await listener.subscribe(left.id, removed.id, kept.id)
        for _ in range(3):
            assert await listener.hears_progress() == ("progress", "running", 0)
        await listener.say(action="unsubscribe", jobs=[str(left.id)])
        assert await listener.hear() == {"type": "unsubscribed", "jobs": [str(left.id)]}
        await canceled(workshop.database, owner, left.id)
        async with workshop.database.owned(owner) as session:
            await cancel_run(session, owner, removed.id, now())
            await remove_run(session, owner, removed.id)
        await canceled(workshop.database, owner, kept.id)
        heard = await listener.hear()
        assert (heard["type"], heard["data"]["id"], heard["data"]["status"]) == ("end", str(kept.id), "canceled")


@pytest.mark.requirement("R-38")
async def test_jobs_of_others_are_unknown_and_what_is_no_wish_is_answered(enter: Enter, workshop: Workshop) -> None:
    theirs = await divided(workshop, uuid4())
    async with enter(uuid4()) as listener:
        await listener.subscribe(theirs.id)
        assert (await listener.hear())["code"] == "not_found"
        for wrong in ({"action": "subscribe"}, {"action": "subscribe", "jobs": ["x"]}, {"jobs": [str(theirs.id)]}):
            await listener.say(**wrong)
            assert (await listener.hear())["code"] == "bad_message"
        await listener.say(action="ping")
        assert await listener.hear() == {"type": "pong"}


@pytest.mark.requirement("R-34")
async def test_jobs_messages_and_connections_are_bounded(
    enter: Enter, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = uuid4()
    first, second = [await divided(workshop, owner) for _ in range(2)]
    monkeypatch.setattr(job_socket, "JOBS_MAX", 1)
    monkeypatch.setattr(job_socket, "MESSAGES_PER_MINUTE_MAX", 3)
    async with enter(owner) as listener:
        await listener.subscribe(first.id, second.id)
        assert (await listener.hear())["type"] == "progress"
        assert (await listener.hear())["code"] == "too_many_jobs"
        for _ in range(2):
            await listener.say(action="ping")
        assert await listener.closed_with() == 4429
    monkeypatch.setattr("backtest.api.following.STREAMS_MAX", 1)
    async with enter(owner), enter(owner) as listener:
        assert await listener.closed_with() == 4429
    assert STREAMS_MAX > 1


@pytest.mark.requirement("R-34")
async def test_a_stream_ends_with_its_token_and_is_not_for_services(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with enter(uuid4(), role="service") as listener:
        assert await listener.closed_with() == 4403
    async with enter(uuid4()) as listener:
        monkeypatch.setattr("kit.auth.now", lambda: now() + timedelta(hours=1))
        assert await listener.closed_with() == 4401
