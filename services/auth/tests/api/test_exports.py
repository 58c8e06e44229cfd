"""Taking along everything that is one's own."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from auth.clients.belongings import Belongings
from auth.collector import collect_one
from auth.domain.export import SERVICES
from auth.resources import Resources
from auth.store import leaving
from auth.tokens import Claims
from auth.usecases.forget_expired import forget_expired
from fastapi import FastAPI
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text

from services.auth.tests.people import Person, register

DOCUMENT = {"things": [{"name": "mine"}]}
EXPORT = "/api/v1/users/export"


class BrokenOff(httpx.AsyncByteStream):
    """An answer that ends before it is whole."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"things": ['
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class Neighbours:
    """The other services, as auth meets them over HTTP: each answers, is down, or breaks off in the middle."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.breaking: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    def app(self, scope_of: FastAPI) -> httpx.AsyncBaseTransport:
        inside = httpx.ASGITransport(app=scope_of)
        neighbours = self

        class Transport(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                service = request.url.host
                neighbours.asked.append((service, request.url.path))
                if service in neighbours.down:
                    raise httpx.ConnectError("down")
                if service in neighbours.breaking:
                    return httpx.Response(200, stream=BrokenOff())
                if service == "auth":
                    return await inside.handle_async_request(request)
                return httpx.Response(200, json=DOCUMENT)

        return Transport()


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


@pytest.fixture
def resources(app: FastAPI, http: httpx.AsyncClient) -> Resources:
    opened: Resources = app.state.resources
    return opened


@pytest.fixture
async def belongings(app: FastAPI, neighbours: Neighbours, resources: Resources) -> AsyncIterator[Belongings]:
    urls = {service: f"http://{service}" for service in SERVICES}

    def token() -> str:
        return resources.signer.sign(Claims(uuid4(), new_id(), new_id(), role="service", name="auth"), now())

    async with httpx.AsyncClient(transport=neighbours.app(app)) as client:
        yield Belongings(client, urls, token)


async def collect(resources: Resources, belongings: Belongings) -> int:
    count = 0
    while await collect_one(resources.database, belongings, now):
        count += 1
    return count


async def asks(person: Person) -> dict[str, object]:
    answer = await person.http.post(EXPORT, headers=person.bearer)
    assert answer.status_code == 202, answer.text
    found: dict[str, object] = answer.json()
    return found


@pytest.mark.requirement("R-57")
async def test_an_export_holds_a_document_of_every_service_and_no_secret(
    haneul: Person, resources: Resources, belongings: Belongings, database: Database
) -> None:
    asked = await asks(haneul)
    assert (asked["ready"], asked["done"], asked["total"]) == (False, 0, len(SERVICES))
    early = await haneul.http.get(f"{EXPORT}/archive", headers=haneul.bearer)
    assert (early.status_code, early.json()["code"]) == (409, "export_not_ready")
    assert await collect(resources, belongings) == len(SERVICES)
    shown = (await haneul.http.get(EXPORT, headers=haneul.bearer)).json()
    assert (shown["ready"], shown["done"]) == (True, len(SERVICES))
    answer = await haneul.http.get(f"{EXPORT}/archive", headers=haneul.bearer)
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert set(archive.namelist()) == {"README.txt", *(f"{service}.json" for service in SERVICES)}
    assert json.loads(archive.read("trading.json")) == DOCUMENT
    ours = json.loads(archive.read("auth.json"))
    assert [user["email"] for user in ours["users"]] == [haneul.email]
    assert len(ours["sessions"]) == 1
    assert b"argon2" not in archive.read("auth.json")
    told = "SELECT action FROM audit_log WHERE action LIKE 'export_%' ORDER BY position"
    async with database.system() as session:
        assert (await session.scalars(text(told))).all() == ["export_asked", "export_fetched"]


async def test_a_dead_service_is_named_and_asked_again_until_it_answers(
    haneul: Person, resources: Resources, belongings: Belongings, neighbours: Neighbours
) -> None:
    neighbours.down = {"broker"}
    await asks(haneul)
    await collect(resources, belongings)
    shown = (await haneul.http.get(EXPORT, headers=haneul.bearer)).json()
    missing = [(part["service"], part["failure"]) for part in shown["services"] if part["status"] == "waiting"]
    assert missing == [("broker", "broker does not answer at the moment.")]
    early = await haneul.http.get(f"{EXPORT}/archive", headers=haneul.bearer)
    assert "Still missing: broker" in early.json()["detail"]
    neighbours.down = set()
    later = now() + timedelta(minutes=10)
    assert await collect_one(resources.database, belongings, lambda: later)
    assert (await haneul.http.get(EXPORT, headers=haneul.bearer)).json()["ready"]


async def test_half_an_answer_is_none(
    haneul: Person, resources: Resources, belongings: Belongings, neighbours: Neighbours
) -> None:
    neighbours.breaking = {"trading"}
    await asks(haneul)
    await collect(resources, belongings)
    shown = (await haneul.http.get(EXPORT, headers=haneul.bearer)).json()
    assert [part["service"] for part in shown["services"] if part["status"] == "waiting"] == ["trading"]


async def test_a_worker_that_dies_loses_its_claim_and_two_never_share_a_part(
    haneul: Person, resources: Resources, belongings: Belongings
) -> None:
    await asks(haneul)
    moment = now()
    claimed = []
    for _ in range(len(SERVICES) + 1):
        async with resources.database.system() as session:
            claimed.append(await leaving.lock_due_part(session, moment))
    assert {part.service for part in claimed if part} == set(SERVICES)
    assert claimed[-1] is None
    assert not await collect_one(resources.database, belongings, lambda: moment)
    later = moment + timedelta(minutes=3)
    assert await collect_one(resources.database, belongings, lambda: later)


async def test_asking_again_means_the_export_that_is_under_way(haneul: Person) -> None:
    assert (await asks(haneul))["id"] == (await asks(haneul))["id"]


@pytest.mark.requirement("R-38")
async def test_an_archive_is_its_owners_alone_and_expires(
    haneul: Person, resources: Resources, belongings: Belongings
) -> None:
    await asks(haneul)
    await collect(resources, belongings)
    other = await register(haneul.http, "someone.else@example.com")
    await other.logs_in()
    for path in (EXPORT, f"{EXPORT}/archive"):
        assert (await other.http.get(path, headers=other.bearer)).status_code == 404
        assert (await other.http.get(path)).status_code == 401
    async with resources.database.system() as session:
        await forget_expired(session, now() + timedelta(days=3))
    assert (await haneul.http.get(EXPORT, headers=haneul.bearer)).status_code == 404


@pytest.mark.requirement("R-48")
async def test_beginning_and_fetching_want_fresh_authentication(haneul: Person, resources: Resources) -> None:
    old = now() - timedelta(hours=1)
    token = resources.signer.sign(
        Claims(UUID(haneul.id), new_id(), new_id(), role="user", name="", authenticated_at=old), now()
    )
    stale = {"Authorization": f"Bearer {token}"}
    asked = await haneul.http.post(EXPORT, headers=stale)
    assert (asked.status_code, asked.json()["code"]) == (403, "step_up_required")
    assert (await haneul.http.get(f"{EXPORT}/archive", headers=stale)).json()["code"] == "step_up_required"
    assert (await haneul.http.delete("/api/v1/users/me", headers=stale)).json()["code"] == "step_up_required"


async def test_only_auth_itself_reads_what_is_somebodys(haneul: Person, resources: Resources) -> None:
    path = f"/internal/belongings/{haneul.id}"
    for role, name, status in (("user", "auth", 403), ("service", "backtest", 404)):
        token = resources.signer.sign(Claims(uuid4(), new_id(), new_id(), role=role, name=name), now())
        answer = await haneul.http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status, (role, name)
    assert (await haneul.http.get(path)).status_code == 401
