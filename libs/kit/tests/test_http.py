"""The HTTP shell: every error is a problem with a code, a request id goes through, bodies are bounded."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from kit.auth import STEP_UP_SECONDS, Admin, CurrentService, CurrentUser, RecentUser, TokenVerifier
from kit.clock import now
from kit.errors import AUTHENTICATED, AppError, FieldError, NotFound, Unavailable, responses
from kit.http import create_service
from kit.ids import new_id
from kit.money import Money
from kit.pagination import PageRequest, decode_cursor, encode_cursor
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from pydantic import BaseModel, ConfigDict


class Full(AppError):
    """No room on the board."""

    STATUS = 409
    CODE = "board_full"
    TITLE = "The board is full"


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    words: str
    price: Money


@dataclass(frozen=True)
class Wobbly:
    fails: bool

    async def ping(self) -> None:
        if self.fails:
            raise ConnectionError


@dataclass(frozen=True)
class Resources:
    wobbly: Wobbly


def build(tokens: Tokens, *, fails: bool = False, verifier: TokenVerifier | None = None) -> FastAPI:
    router = APIRouter(prefix="/api/v1/noticeboard")

    @router.post("/notes", status_code=201, responses={**AUTHENTICATED, **responses(NotFound, Full)})
    async def add_note(note: Note, user: CurrentUser) -> Note:
        return note

    @router.get("/full")
    async def full() -> None:
        raise Full("Take a note down first.", errors=[FieldError(field="words", message="no", code="x")], room=0)

    @router.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError("a secret thing")

    @router.get("/away")
    async def away() -> None:
        raise Unavailable("Come back.", retry_after_seconds=7)

    @router.get("/admin")
    async def admin_only(user: Admin) -> dict[str, str]:
        return {"role": user.role}

    @router.delete("/board")
    async def burn_the_board(user: RecentUser) -> dict[str, list[str]]:
        return {"permissions": sorted(user.permissions)}

    @router.get("/service")
    async def service_only(service: CurrentService) -> dict[str, str]:
        return {"role": service.role}

    @router.get("/pages")
    async def pages(page: PageRequest, after: Annotated[str, Depends(lambda: "")]) -> list[str | int]:
        return decode_cursor(page.cursor, (str, int)) if page.cursor else []

    @asynccontextmanager
    async def open_resources(_settings: object) -> AsyncIterator[Resources]:
        yield Resources(Wobbly(fails))

    settings = SimpleNamespace(token_issuer="exodus", token_audience="exodus", jwks_url="")
    return create_service(
        settings, [router], name="noticeboard", open_resources=open_resources, verifier=verifier or tokens.verifier
    )


class TestErrors:
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/api/v1/noticeboard/nothing", 404, "not_found"),
            ("DELETE", "/api/v1/noticeboard/notes", 405, "method_not_allowed"),
            ("POST", "/api/v1/noticeboard/notes", 401, "token_missing"),
            ("GET", "/api/v1/noticeboard/full", 409, "board_full"),
            ("GET", "/api/v1/noticeboard/away", 503, "unavailable"),
            ("GET", "/api/v1/noticeboard/bug", 500, "internal_error"),
        ],
    )
    async def test_every_error_is_a_problem_with_a_code(
        self, tokens: Tokens, method: str, path: str, status: int, code: str
    ) -> None:
        async with client(build(tokens)) as http:
            answer = await http.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert body["code"] == code
        assert body["status"] == status
        assert body["request_id"] == answer.headers["x-request-id"]
        assert "secret thing" not in answer.text

    async def test_an_error_carries_its_members_and_headers(self, tokens: Tokens) -> None:
        async with client(build(tokens)) as http:
            full, away = await http.get("/api/v1/noticeboard/full"), await http.get("/api/v1/noticeboard/away")
        assert full.json()["room"] == 0
        assert full.json()["errors"] == [{"field": "words", "message": "no", "code": "x"}]
        assert away.headers["retry-after"] == "7"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"words": "a"}, "price"),
            ({"words": "a", "price": 1.5}, "price"),
            ({"words": "a", "price": "NaN"}, "price"),
            ({"words": "a", "price": "ten"}, "price"),
            ({"words": "a", "price": True}, "price"),
            ({"words": "a", "price": "1", "owner_id": "x"}, "owner_id"),
            ([], "body"),
        ],
    )
    async def test_a_bad_body_is_told_by_field(self, tokens: Tokens, body: object, field: str) -> None:
        async with client(build(tokens), tokens.for_user(new_id())) as http:
            answer = await http.post("/api/v1/noticeboard/notes", json=body)
        assert answer.status_code == 422
        assert answer.json()["code"] == "invalid_request"
        assert field in [error["field"] for error in answer.json()["errors"]]

    async def test_a_body_that_is_no_json_is_told(self, tokens: Tokens) -> None:
        async with client(build(tokens), tokens.for_user(new_id())) as http:
            answer = await http.post("/api/v1/noticeboard/notes", content=b"{")
        assert answer.status_code == 422

    @pytest.mark.requirement("R-35")
    async def test_a_large_body_is_refused_by_its_header_and_by_its_length(self, tokens: Tokens) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"x" * 65_536

        async with client(build(tokens), tokens.for_user(new_id())) as http:
            declared = await http.post("/api/v1/noticeboard/notes", content=b"x" * (1 << 21))
            chunked = await http.post("/api/v1/noticeboard/notes", content=endless())
        assert [declared.status_code, chunked.status_code] == [413, 413]
        assert chunked.json()["code"] == "body_too_large"


class TestRequests:
    async def test_money_goes_in_and_out_as_plain_strings(self, tokens: Tokens) -> None:
        async with client(build(tokens), tokens.for_user(new_id())) as http:
            answer = await http.post("/api/v1/noticeboard/notes", json={"words": "a", "price": "70100.5000"})
        assert answer.json() == {"words": "a", "price": "70100.5"}

    async def test_what_failed_has_a_line_in_the_log_and_what_went_well_is_the_gateways(
        self, tokens: Tokens, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with client(build(tokens)) as http:
            assert (await http.get("/health/live")).status_code == 200
            assert (await http.get("/api/v1/noticeboard/full")).status_code == 409
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(line["path"], line["status"]) for line in lines if line["event"] == "answered"] == [
            ("/api/v1/noticeboard/full", 409)
        ]

    async def test_a_sane_request_id_is_kept_and_a_strange_one_replaced(self, tokens: Tokens) -> None:
        async with client(build(tokens)) as http:
            kept = await http.get("/health/live", headers={"X-Request-ID": "abc-123"})
            replaced = await http.get("/health/live", headers={"X-Request-ID": "a b\tc" + "x" * 80})
        assert kept.headers["x-request-id"] == "abc-123"
        assert len(replaced.headers["x-request-id"]) == 36

    async def test_a_cursor_comes_back_as_it_went_and_a_made_up_one_is_refused(self, tokens: Tokens) -> None:
        async with client(build(tokens)) as http:
            good = await http.get("/api/v1/noticeboard/pages", params={"cursor": encode_cursor("2026", 7)})
            wrong = await http.get("/api/v1/noticeboard/pages", params={"cursor": encode_cursor(7, 7)})
            bad = await http.get("/api/v1/noticeboard/pages", params={"cursor": "%%%"})
        assert good.json() == ["2026", 7]
        assert [wrong.status_code, bad.status_code] == [422, 422]
        assert bad.json()["code"] == "bad_cursor"


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "path", "status"),
        [
            ("user", "admin", 403),
            ("admin", "admin", 200),
            ("service", "admin", 403),
            ("service", "service", 200),
            ("admin", "service", 403),
        ],
    )
    async def test_a_role_opens_its_own_doors_only(self, tokens: Tokens, role: str, path: str, status: int) -> None:
        async with client(build(tokens), tokens.for_user(new_id(), role)) as http:
            answer = await http.get(f"/api/v1/noticeboard/{path}")
        assert answer.status_code == status


class TestStepUp:
    @pytest.mark.requirement("R-48")
    @pytest.mark.parametrize(
        ("seconds_ago", "status", "code"),
        [
            (0, 200, None),
            (STEP_UP_SECONDS - 5, 200, None),
            (STEP_UP_SECONDS + 5, 403, "step_up_required"),
            (None, 403, "step_up_required"),
        ],
    )
    async def test_a_dangerous_act_needs_a_fresh_proof_of_who_asks(
        self, tokens: Tokens, seconds_ago: int | None, status: int, code: str | None
    ) -> None:
        claims = tokens.claims(new_id())
        if seconds_ago is None:
            del claims["auth_time"]
        else:
            claims["auth_time"] = int(now().timestamp()) - seconds_ago
        async with client(build(tokens), tokens.sign(claims)) as http:
            answer = await http.delete("/api/v1/noticeboard/board")
        assert (answer.status_code, answer.json().get("code")) == (status, code)
        if status == 200:
            assert answer.json()["permissions"] == ["paper"]


class TestHealth:
    async def test_a_process_lives_while_what_it_needs_is_away_but_is_not_ready(self, tokens: Tokens) -> None:
        async with client(build(tokens, fails=True)) as http:
            live = await http.get("/api/v1/noticeboard/health/live")
            ready = await http.get("/api/v1/noticeboard/health/ready")
        assert live.status_code == 200
        assert ready.status_code == 503
        assert ready.json()["failures"] == {"wobbly": "ConnectionError"}

    async def test_who_cannot_prove_tokens_yet_is_not_ready(self, tokens: Tokens) -> None:
        nobody_there = TokenVerifier(issuer="exodus", audience="exodus", jwks_url="http://127.0.0.1:1/jwks")
        async with client(build(tokens, verifier=nobody_there)) as http:
            ready = await http.get("/health/ready")
        assert (ready.status_code, ready.json()["failures"]) == (503, {"keys": "Unavailable"})

    async def test_ready_metrics_and_the_openapi_document_are_served(self, tokens: Tokens) -> None:
        async with client(build(tokens)) as http:
            assert (await http.get("/health/ready")).json() == {"status": "ok"}
            assert "http_requests_total" in (await http.get("/metrics")).text
            document = (await http.get("/api/v1/noticeboard/openapi.json")).json()
        described = document["paths"]["/api/v1/noticeboard/notes"]["post"]["responses"]
        assert {"201", "401", "404", "409", "422"} <= set(described)
        assert "Problem" in document["components"]["schemas"]
        assert "HTTPValidationError" not in document["components"]["schemas"]
