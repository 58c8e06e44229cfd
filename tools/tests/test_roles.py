"""Who may do what: every operation of every service, asked as every role, against the table of contracts/roles.md."""

import asyncio
import importlib
import re
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI
from kit.auth import STEP_UP_SECONDS
from kit.db import OwnedSession, PublicSession, SystemSession
from kit.errors import Unavailable
from kit.ids import new_id
from kit.testing.tokens import Tokens

from tools import contracts

ROLES = ("nobody", "viewer", "user", "admin", "service")
TABLE = Path(__file__).resolve().parents[2] / "contracts" / "roles.md"
ELSEWHERE = "https://elsewhere.example"
SOME_ID = "0193ccc5-bf05-7f1f-b569-eaf3a635486d"
OPERATIONS_MIN = 50
FROM_ELSEWHERE = {"TradingViewAlert", "NewCredential", "UsedCredential", "Created", "Signed"}
"""What a chart's alarm or a browser's own call has made: of those we read what we need."""
SESSIONS = [get_args(kind)[1].dependency for kind in (OwnedSession, PublicSession, SystemSession)]
REFUSALS = {"token_missing", "token_invalid", "token_expired", "forbidden"}


@cache
def rows() -> list[tuple[str, str, dict[str, bool]]]:
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.read_text().splitlines()]
    table = [cells for cells in found if len(cells) == 7 and cells[2] in {"yes", "no"}]
    return [
        (method, path, {role: cell == "yes" for role, cell in zip(ROLES, may, strict=True)})
        for method, path, *may in table
    ]


@cache
def proofs() -> list[tuple[str, str]]:
    found = re.findall(r"^\| (GET|POST|PUT|DELETE) \| (\S+) \|$", TABLE.read_text(), re.MULTILINE)
    assert found
    return found


def described(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    (found,) = [each.openapi for each in contracts.services() if each.name == service]
    assert found is not None
    return dict(found)


def app_of(service: str, tokens: Tokens) -> FastAPI:
    """A service without anything behind it."""
    contracts.services()
    app: FastAPI = importlib.import_module(f"{service}.app").create_app(None, tokens.verifier)
    app.state.resources = NoServers()
    return app


def may(role: str, method: str, path: str) -> bool:
    return next(may[role] for wanted, pattern, may in rows() if wanted in {"*", method} and fnmatchcase(path, pattern))


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("service", contracts.SERVICES)
def test_every_operation_opens_to_exactly_the_roles_of_the_table(service: str, tokens: Tokens) -> None:
    """Without its servers: who may not pass is refused before any of them is asked, everybody else fails later."""
    assert asyncio.run(_differences(app_of(service, tokens), tokens)) == []


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("service", contracts.SERVICES)
def test_no_cookie_opens_anything_and_no_page_of_another_site_may_read_or_ask(service: str, tokens: Tokens) -> None:
    """A browser adds cookies to what other sites ask, so none counts; a header of ours wants a leave that none gets."""
    assert asyncio.run(_let_in_from_elsewhere(app_of(service, tokens), tokens)) == []


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("service", contracts.SERVICES)
def test_exactly_what_the_table_names_wants_a_proof_of_the_last_five_minutes(service: str, tokens: Tokens) -> None:
    """Asked by an admin whose last proof is older. A session that is opened before the proof is looked at is none."""
    app = app_of(service, tokens)
    app.dependency_overrides = dict.fromkeys(SESSIONS, NoServers)
    paths = app.openapi()["paths"]
    wanted = {(method, path) for method, path in proofs() if method.lower() in paths.get(path, {})}
    assert asyncio.run(_wanting_proof(app, tokens)) == wanted


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("service", contracts.SERVICES)
def test_no_body_may_bring_a_member_that_is_not_asked_for(service: str) -> None:
    """Whose it is, its role or its status is never the client's to say."""
    document = described(service)
    assert [
        f"{method} {path}: {name}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for schema in _bodies_of(operation)
        for name, closed in _objects_in(schema, document)
        if not closed and name not in FROM_ELSEWHERE
    ] == []


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("service", contracts.SERVICES)
def test_on_behalf_of_somebody_else_one_may_look_where_that_is_lent_and_nothing_more(
    service: str, tokens: Tokens
) -> None:
    app = app_of(service, tokens)
    assert asyncio.run(_wrong_on_behalf(app, tokens, lends=app.state.lends)) == []


async def _let_in_from_elsewhere(app: object, tokens: Tokens) -> list[str]:
    token = _token(tokens, "admin")
    names = ("access_token", "token", "Authorization", "__Host-exodus-refresh", "session")
    forged = {"Cookie": "; ".join(f"{name}={token}" for name in names), "Origin": ELSEWHERE}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    wrong = []
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        for path, operations in app.openapi()["paths"].items():  # type: ignore[attr-defined]
            url = re.sub(r"\{[^}]+\}", SOME_ID, path)
            for method in (name.upper() for name in operations if name in contracts.METHODS):
                answer = await http.request(method, url, headers=forged)
                passed = answer.status_code not in {401, 403} or _code(answer) not in REFUSALS
                if passed != may("nobody", method, path) or _lets_read(answer):
                    wrong.append(f"{method} {path}: {answer.status_code} {_code(answer)}")
                wish = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-client"}
                leave = await http.options(url, headers=forged | wish)
                if leave.is_success or _lets_read(leave):
                    wrong.append(f"OPTIONS {path}: {leave.status_code}")
    return wrong


def _lets_read(answer: httpx.Response) -> bool:
    return any(name.startswith("access-control-") for name in answer.headers)


class NoServers:
    """What a service holds open, when it holds nothing."""

    def __getattr__(self, _name: str) -> object:
        raise Unavailable("There are no servers in this test.")


async def _differences(app: object, tokens: Tokens) -> list[str]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    wrong = []
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        for path, operations in app.openapi()["paths"].items():  # type: ignore[attr-defined]
            url = re.sub(r"\{[^}]+\}", SOME_ID, path)
            for method in (name.upper() for name in operations if name in contracts.METHODS):
                for role in ROLES:
                    headers = {} if role == "nobody" else {"Authorization": f"Bearer {_token(tokens, role)}"}
                    answer = await http.request(method, url, headers=headers)
                    passed = answer.status_code not in {401, 403} or _code(answer) not in REFUSALS
                    if passed != may(role, method, path):
                        wrong.append(f"{method} {path} as {role}: {answer.status_code} {_code(answer)}")
    return wrong


async def _wrong_on_behalf(app: object, tokens: Tokens, *, lends: bool) -> list[str]:
    """Ask every operation as an admin, for somebody who lends this admin their sight and for somebody who does not."""
    lender, stranger = new_id(), new_id()
    token = tokens.sign(tokens.claims(new_id(), "admin") | {"deleg": str(lender)})
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    wrong = []
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        for path, operations in app.openapi()["paths"].items():  # type: ignore[attr-defined]
            url = re.sub(r"\{[^}]+\}", SOME_ID, path)
            for method in (name.upper() for name in operations if name in contracts.METHODS):
                for whose in (lender, stranger):
                    headers = {"Authorization": f"Bearer {token}", "X-On-Behalf-Of": str(whose)}
                    answer = await http.request(method, url, headers=headers)
                    looks = method == "GET" and lends
                    right = 403 if not looks else 404 if whose == stranger else 503
                    if may("admin", method, path) and not may("nobody", method, path) and answer.status_code != right:
                        wrong.append(f"{method} {path}: {answer.status_code} and not {right}")
    return wrong


async def _wanting_proof(app: object, tokens: Tokens) -> set[tuple[str, str]]:
    long_ago = int(time.time()) - 2 * STEP_UP_SECONDS
    token = tokens.sign(tokens.claims(new_id(), "admin") | {"auth_time": long_ago})
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    found = set()
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as http:
        for path, operations in app.openapi()["paths"].items():  # type: ignore[attr-defined]
            for method in (name.upper() for name in operations if name in contracts.METHODS):
                answer = await http.request(method, re.sub(r"\{[^}]+\}", SOME_ID, path))
                if _code(answer) == "step_up_required":
                    found.add((method, path))
    return found


def _bodies_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {})
    return [each["schema"] for kind, each in content.items() if kind == "application/json"]


def _objects_in(schema: Any, document: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield every object that a body is made of, and whether it takes nothing besides its members."""
    if isinstance(schema, list):
        for each in schema:
            yield from _objects_in(each, document)
    if not isinstance(schema, dict):
        return
    if (reference := schema.get("$ref")) is not None:
        yield from _objects_in(document["components"]["schemas"][reference.rpartition("/")[2]], document)
        return
    if "properties" in schema:
        yield schema.get("title", "?"), schema.get("additionalProperties") is False
    for name in ("anyOf", "oneOf", "allOf", "items", "additionalProperties"):
        yield from _objects_in(schema.get(name), document)
    for member in schema.get("properties", {}).values():
        yield from _objects_in(member, document)


def _token(tokens: Tokens, role: str) -> str:
    """Sign a token of a role; of services it is auth's own, which is let into the others."""
    return tokens.sign(tokens.claims(new_id(), role) | {"name": "auth"})


def _code(answer: httpx.Response) -> str:
    try:
        told = answer.json()
    except ValueError:
        return ""
    return str(told.get("code", "")) if isinstance(told, dict) else ""


def test_the_table_is_about_operations_that_exist() -> None:
    paths = [
        (method.upper(), path)
        for service in contracts.services()
        for path, operations in (service.openapi or {}).get("paths", {}).items()
        for method in operations
    ]
    assert len(paths) >= OPERATIONS_MIN
    for wanted, pattern, _ in rows():
        assert any(wanted in {"*", method} and fnmatchcase(path, pattern) for method, path in paths), pattern
