"""An `Idempotency-Key`: one key is one request, done once and answered the same for ever."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI
from fastapi.responses import Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import Database, OwnedSession
from kit.errors import AppError, answer, install_error_handlers
from kit.ids import new_id
from kit.testing.tokens import Tokens
from pydantic import BaseModel
from sqlalchemy import text
from trading.api.idempotency import KEY_LENGTH_MAX, IdempotentRoute
from trading.store import system
from trading.store.system import ANSWERS_KEPT

ADD = text(
    "INSERT INTO events (id, type, subject, owner_id, correlation_id, data, must_reach, occurred_at)"
    " VALUES (:id, 'trading.note.taken.v1', :words, :owner, :id, '{}', false, now())"
)
COUNT = text("SELECT count(*) FROM events")


class Full(AppError):
    """No room on the board."""

    STATUS = 409
    CODE = "board_full"


class Note(BaseModel):
    words: str
    size: int = 1


@dataclass(frozen=True)
class Resources:
    database: Database


class Board:
    """A service of one route, whose answer can be held back, lost, or refused."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._tokens = tokens
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.reached = asyncio.Event()
        self.failure: Exception | None = None
        self.refuses = False
        self.app = FastAPI()
        self.app.state.resources = Resources(database)
        self.app.state.verifier = tokens.verifier
        install_error_handlers(self.app)
        router = APIRouter(route_class=IdempotentRoute)

        @router.post("/notes/{board}", status_code=201)
        async def add(board: str, note: Note, session: OwnedSession, user: CurrentUser) -> dict[str, str]:
            identifier = new_id()
            await session.execute(ADD, {"id": identifier, "owner": user.user_id, "words": note.words})
            self.reached.set()
            await self.may_answer.wait()
            if self.failure:
                raise self.failure
            return {"id": str(identifier)}

        @router.post("/refusals")
        async def refuse(session: OwnedSession, user: CurrentUser) -> Response:
            await session.execute(ADD, {"id": new_id(), "owner": user.user_id, "words": "refused"})
            return answer(Full("Take a note down first."))

        self.app.include_router(router)
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://board")

    async def post(self, user: UUID, key: str | None, path: str = "/notes/a", content: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens.for_user(user)}"} | ({"Idempotency-Key": key} if key else {})
        if isinstance(content, bytes):
            headers["Content-Type"] = "application/json"
            return await self.http.post(path, headers=headers, content=content)
        return await self.http.post(path, headers=headers, json=content or {"words": "hello"})


@pytest_asyncio.fixture
async def board(database: Database, tokens: Tokens) -> AsyncIterator[Board]:
    opened = Board(database, tokens)
    yield opened
    await opened.http.aclose()


async def notes(database: Database) -> int:
    async with database.system() as session:
        return int(await session.scalar(COUNT) or 0)


@pytest.mark.requirement("R-1")
async def test_the_same_request_again_gets_the_first_answer_byte_for_byte(board: Board, database: Database) -> None:
    user = new_id()
    first = await board.post(user, "k")
    again = await board.post(user, "k", content=b'{ "words" : "hello" }')
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await notes(database) == 1


async def test_without_a_key_each_request_acts(board: Board, database: Database) -> None:
    user = new_id()
    await board.post(user, None)
    await board.post(user, None)
    assert await notes(database) == 2


@pytest.mark.requirement("R-1")
async def test_a_key_belongs_to_one_owner_one_route_and_one_body(board: Board, database: Database) -> None:
    user = new_id()
    await board.post(user, "k")
    reused = await board.post(user, "k", content={"words": "other"})
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert (await board.post(new_id(), "k")).headers.get("idempotency-replayed") is None
    assert (await board.post(user, "k", "/notes/b")).headers.get("idempotency-replayed") is None
    assert await notes(database) == 3


@pytest.mark.requirement("R-1")
async def test_while_the_first_runs_the_second_is_told_so(board: Board, database: Database) -> None:
    user = new_id()
    board.may_answer.clear()
    first = asyncio.create_task(board.post(user, "k"))
    await board.reached.wait()
    running = await board.post(user, "k")
    assert (running.status_code, running.json()["code"]) == (409, "request_in_progress")
    assert running.headers["retry-after"] == "1"
    board.may_answer.set()
    answered = await first
    assert (await board.post(user, "k")).content == answered.content
    assert await notes(database) == 1


@pytest.mark.requirement("R-1")
async def test_a_hundred_at_once_act_once(board: Board, database: Database) -> None:
    user = new_id()
    answers = await asyncio.gather(*(board.post(user, "k") for _ in range(100)))
    assert {each.status_code for each in answers} <= {201, 409}
    assert len({each.content for each in answers if each.status_code == 201}) == 1
    assert await notes(database) == 1
    assert (await board.post(user, "k")).headers["idempotency-replayed"] == "true"


@pytest.mark.requirement("R-1")
async def test_what_undid_itself_leaves_the_key_free(board: Board, database: Database) -> None:
    user = new_id()
    for failure in (Full("no room"), RuntimeError("a bug")):
        board.failure = failure
        assert (await board.post(user, "k")).status_code in {409, 500}
        assert await notes(database) == 0
    board.failure = None
    assert (await board.post(user, "k")).status_code == 201


@pytest.mark.requirement("R-1", "R-29")
async def test_a_request_that_dies_before_its_answer_leaves_nothing_behind(board: Board, database: Database) -> None:
    user = new_id()
    board.may_answer.clear()
    dying = asyncio.create_task(board.post(user, "k"))
    await board.reached.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    board.may_answer.set()
    assert (await board.post(user, "k")).status_code == 201
    assert await notes(database) == 1


@pytest.mark.requirement("R-1")
async def test_a_refusal_that_is_kept_is_replayed_like_any_answer(board: Board, database: Database) -> None:
    user = new_id()
    first, again = [await board.post(user, "k", "/refusals") for _ in range(2)]
    assert (first.status_code, again.status_code, again.content) == (409, 409, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert await notes(database) == 1


async def test_a_key_that_cannot_be_one_is_refused(board: Board, database: Database) -> None:
    for key in ("x" * (KEY_LENGTH_MAX + 1), "tab\there"):
        refused = await board.post(new_id(), key)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_invalid")
    assert await notes(database) == 0


@pytest.mark.requirement("R-1")
async def test_keys_are_kept_for_two_days(board: Board, database: Database) -> None:
    user = new_id()
    await board.post(user, "k")
    assert timedelta(hours=24) <= ANSWERS_KEPT
    for moment, left in ((now(), 1), (now() + ANSWERS_KEPT + timedelta(seconds=1), 0)):
        async with database.system() as session:
            await system.delete_old_answers(session, moment)
            assert await session.scalar(text("SELECT count(*) FROM idempotency_keys")) == left
