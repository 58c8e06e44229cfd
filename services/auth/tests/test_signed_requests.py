"""Requests signed by an API key, through real nginx: the documented program works, and nothing else does."""

import asyncio
import hashlib
import hmac
import json
import os
import re
import secrets
import ssl
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from auth.app import create_app
from auth.config import Settings
from auth.domain.api_key import ApiKeyId
from auth.resources import signer_of
from auth.spent_nonces import KEPT_SECONDS, NONCES_MAX, SpentNonces
from fastapi import APIRouter
from kit.auth import CurrentUser, RecentUser
from kit.db import Database
from kit.http import create_service
from kit.ids import new_id
from kit.testing.fixtures import client
from kit.testing.serving import free_port, serving
from prometheus_client import REGISTRY
from pydantic import BaseModel
from sqlalchemy import text

from gateway.render import SERVICES
from gateway.tests.edge import Edge, assert_problem, running_edge
from services.auth.tests.people import Person

ROOT = Path(__file__).resolve().parents[3]
KEYS, PROFILE = "/api/v1/users/api-keys", "/api/v1/users/profile"
ECHO = "/api/v1/notifications/echo"
REPLAYS = 1_000
CONNECTIONS = 50
"""Of the client, whose pool takes the longer for each the more wait for one."""
ASKED_MAX = 3
"""The edge remembers a refusal from the second time it is asked the same."""
ALL_SCOPES = {"name": "robot", "scopes": ["read", "write"]}

neighbour = APIRouter()


class Said(BaseModel):
    word: str


@neighbour.get(ECHO)
@neighbour.post(ECHO)
async def echo(user: CurrentUser) -> dict[str, Any]:
    return {"user_id": str(user.user_id), "scopes": sorted(user.scopes), "role": user.role}


@neighbour.put(ECHO)
async def say(body: Said, user: CurrentUser) -> dict[str, Any]:
    return {"word": body.word}


@neighbour.post("/api/v1/notifications/dangerous")
async def dangerous(user: RecentUser) -> None:
    return None


@asynccontextmanager
async def nothing(_settings: Settings) -> AsyncIterator[None]:
    yield None


@dataclass
class Robot:
    """A program that holds a key, and can lie about anything."""

    http: httpx.AsyncClient
    key_id: str
    secret: str
    sent: dict[str, str] = field(default_factory=dict)

    async def calls(
        self, method: str, target: str, body: bytes = b"", *, signed: dict[str, str] | None = None, **changes: Any
    ) -> httpx.Response:
        """Send a request; `signed` lies about what is signed, `changes` about the headers (None leaves one out)."""
        headers = self.signs(method, target, body, signed=signed) | changes
        self.sent = {name: value for name, value in headers.items() if value is not None}
        return await self.http.request(method, target, content=body, headers=self.sent)

    def signs(
        self, method: str, target: str, body: bytes = b"", *, signed: dict[str, str] | None = None
    ) -> dict[str, str]:
        """Return the headers of a signed request."""
        said = {"method": method, "target": target, "digest": hashlib.sha256(body).hexdigest()}
        said |= {"stamp": str(int(time.time())), "nonce": secrets.token_hex(16)} | (signed or {})
        lines = "\n".join(said[name] for name in ("method", "target", "digest", "stamp", "nonce"))
        signature = hmac.new(self.secret.encode(), lines.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Api-Key": self.key_id,
            "X-Api-Timestamp": said["stamp"],
            "X-Api-Nonce": said["nonce"],
            "X-Content-SHA256": said["digest"],
            "X-Api-Signature": signature,
            "Content-Type": "application/json",
        }


@dataclass
class Platform:
    edge: Edge
    http: httpx.AsyncClient
    owner: Person

    async def robot(self, **wish: Any) -> Robot:
        answer = await self.owner.http.post(KEYS, json=ALL_SCOPES | wish, headers=self.owner.bearer)
        assert answer.status_code == 201, answer.text
        return Robot(self.http, answer.json()["id"], answer.json()["secret"])


@pytest_asyncio.fixture
async def platform(haneul: Person, settings: Settings, tmp_path: Path) -> AsyncIterator[Platform]:
    verifier = signer_of(settings).verifier()
    other = create_service(settings, [neighbour], name="notification", open_resources=nothing, verifier=verifier)
    async with serving(create_app(settings)) as auth, serving(other) as second:
        upstreams = dict.fromkeys(SERVICES, second.removeprefix("http://")) | {"auth": auth.removeprefix("http://")}
        with running_edge(tmp_path, upstreams) as edge:
            trust = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
            async with httpx.AsyncClient(
                verify=trust, base_url=f"https://localhost:{edge.https_port}", timeout=60
            ) as http:
                yield Platform(edge, http, haneul)


def assert_refused(answer: httpx.Response, why: object = "") -> None:
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid"), why


@pytest.mark.requirement("R-47")
async def test_the_documented_program_signs_as_we_check(platform: Platform, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "signed-requests.md").read_text()
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert program is not None
    robot = await platform.robot()
    environment = {"EXODUS_URL": f"https://localhost:{platform.edge.https_port}", "EXODUS_API_KEY": robot.key_id}
    environment |= {"EXODUS_API_SECRET": robot.secret, "SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
    for arguments, status, word in (
        (("GET", f"{PROFILE}?a=%20b&c"), "200", "haneul.kim@example.com"),
        (("PUT", ECHO, '{"word": "안녕"}'), "200", "안녕"),
    ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program[1], *arguments),
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert output.decode().startswith(status), output
        assert word in output.decode()


@pytest.mark.requirement("R-47")
async def test_what_was_not_signed_as_sent_is_refused(platform: Platform) -> None:
    robot = await platform.robot()
    body, other = b'{"word": "one"}', b'{"word": "two"}'
    assert (await robot.calls("PUT", ECHO, body)).json() == {"word": "one"}
    now = int(time.time())
    lies: list[dict[str, Any]] = [
        {"signed": {"method": "POST"}},
        {"signed": {"target": ECHO + "?a=1"}},
        {"signed": {"stamp": str(now - 31)}},
        {"signed": {"stamp": str(now + 32)}},
        {"signed": {"stamp": f"{now}.0"}},
        {"signed": {"stamp": "-1"}},
        {"signed": {"stamp": "9" * 400}},
        {"signed": {"nonce": "short"}},
        {"signed": {"nonce": "n" * 65}},
        {"signed": {"nonce": ""}},
        {"X-Api-Nonce": "another-nonce-than-the-signed-one"},
        {"X-Api-Timestamp": str(now - 1)},
        {"X-Api-Signature": "0" * 64},
        {"X-Api-Signature": None},
        {"X-Api-Signature": "x"},
        {"X-Content-SHA256": hashlib.sha256(other).hexdigest()},
        {"X-Content-SHA256": None},
        {"X-Api-Timestamp": None},
        {"X-Api-Nonce": None},
        {"X-Api-Key": "0193ccc5-bf05-7f1f-b569-eaf3a635486d"},
        {"X-Api-Key": "' OR 1=1"},
        {"X-Api-Key": "x" * 5000},
    ]
    for lie in lies:
        assert_refused(await robot.calls("PUT", ECHO, body, **lie), lie)
    wrong = Robot(robot.http, robot.key_id, "not the secret")
    assert_refused(await wrong.calls("PUT", ECHO, body))
    swapped = await robot.calls("PUT", ECHO, other, signed={"digest": hashlib.sha256(body).hexdigest()})
    assert (swapped.status_code, swapped.json()["code"]) == (401, "token_invalid"), "the service compares the body"


def asked_of_auth() -> float:
    """How often auth was asked about a signature, by its own count."""
    route = {"method": "GET", "route": "/internal/signed-request"}
    return REGISTRY.get_sample_value("http_request_seconds_count", route) or 0


@pytest.mark.requirement("R-47")
async def test_of_a_thousand_replays_each_is_refused_and_hardly_one_reaches_auth(platform: Platform) -> None:
    robot = await platform.robot()
    assert (await robot.calls("GET", ECHO)).status_code == 200
    before = asked_of_auth()
    turns = asyncio.Semaphore(CONNECTIONS)

    async def replay() -> tuple[int, str]:
        async with turns:
            answer = await platform.http.get(ECHO, headers=robot.sent)
            return answer.status_code, answer.json()["code"]

    replays = await asyncio.gather(*(replay() for _ in range(REPLAYS)))
    assert Counter(replays) == {(401, "signature_invalid"): REPLAYS}
    assert asked_of_auth() - before <= ASKED_MAX
    assert (await robot.calls("GET", ECHO)).status_code == 200, "another nonce is another request"
    nonce = {"nonce": secrets.token_hex(16)}
    race = await asyncio.gather(*(robot.calls("GET", ECHO, signed=nonce) for _ in range(20)))
    assert Counter(answer.status_code for answer in race) == {200: 1, 401: 19}


@pytest.mark.requirement("R-47")
async def test_a_replay_is_refused_by_a_process_that_never_saw_the_request(
    platform: Platform, settings: Settings
) -> None:
    robot = await platform.robot()
    assert (await robot.calls("GET", ECHO)).status_code == 200
    headers = robot.sent | {"X-Signed-Method": "GET", "X-Signed-Target": ECHO}
    async with client(create_app(settings)) as restarted:
        for _ in range(2):  # by the database, then from memory
            answer = await restarted.get("/internal/signed-request", headers=headers)
            assert (answer.status_code, answer.headers["token-verdict"]) == (401, "signature_invalid")


def test_the_newest_nonces_are_remembered_until_no_signature_of_theirs_would_be_taken_anyway() -> None:
    moment = 0.0
    spent, key = SpentNonces(lambda: moment), ApiKeyId(new_id())
    spent.add(key, "first")
    assert (key, "first") in spent
    assert (ApiKeyId(new_id()), "first") not in spent, "a nonce belongs to a key"
    for number in range(NONCES_MAX):
        spent.add(key, str(number))
    assert (key, "first") not in spent
    assert (key, "0") in spent
    moment = KEPT_SECONDS
    assert (key, "0") not in spent


@pytest.mark.requirement("R-47", "R-50")
async def test_while_auth_is_away_no_signature_counts_and_the_edge_says_when_to_try_again(
    platform: Platform, tmp_path: Path
) -> None:
    robot = await platform.robot()
    folder = tmp_path / "alone"
    folder.mkdir()
    with running_edge(folder, dict.fromkeys(SERVICES, f"127.0.0.1:{free_port()}")) as edge:
        trust = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
        async with httpx.AsyncClient(verify=trust, base_url=edge.https) as http:
            answer = await Robot(http, robot.key_id, robot.secret).calls("GET", ECHO)
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "2"


@pytest.mark.requirement("R-47")
async def test_of_a_header_sent_twice_the_first_is_judged_or_none_and_a_path_counts_as_it_was_sent(
    platform: Platform,
) -> None:
    robot = await platform.robot()
    for name in ("X-Api-Key", "X-Api-Timestamp", "X-Api-Nonce", "X-Api-Signature", "X-Content-SHA256"):
        twice = [*robot.signs("GET", ECHO).items(), (name, "x")]
        assert_refused(await platform.http.get(ECHO, headers=twice[::-1]), name)
        assert (await platform.http.get(ECHO, headers=twice)).status_code in {200, 401}, "newer nginx joins them"
    spoken, encoded = f"{ECHO}?q=%EC%82%BC%EC%84%B1", f"{ECHO}?q=%ec%82%bc%ec%84%b1"
    assert (await robot.calls("GET", spoken)).status_code == 200
    assert_refused(await robot.calls("GET", spoken, signed={"target": encoded}))
    assert_refused(await robot.calls("GET", spoken, signed={"target": f"{ECHO}?q=삼성"}))
    named = f"{ECHO}/%EC%82%BC%EC%84%B1"
    assert (await robot.calls("GET", named)).status_code == 404, "the signature is right: the service was asked"
    assert_refused(await robot.calls("GET", named, signed={"target": f"{ECHO}/삼성"}))


@pytest.mark.requirement("R-47", "R-48")
async def test_a_key_goes_as_far_as_its_scopes_and_never_changes_the_account(platform: Platform) -> None:
    reader = await platform.robot(scopes=["read"])
    writer = await platform.robot(scopes=["write"])
    both = await platform.robot()
    assert (await reader.calls("GET", ECHO)).json()["scopes"] == ["read"]
    assert (await reader.calls("POST", ECHO)).status_code == 403
    assert (await writer.calls("POST", ECHO)).status_code == 200
    assert (await writer.calls("GET", ECHO)).status_code == 403
    wish = json.dumps(ALL_SCOPES).encode()
    for method, target, body in (
        ("POST", KEYS, wish),
        ("DELETE", f"{KEYS}/{both.key_id}", b""),
        ("PUT", PROFILE, b'{"name": "x", "language": "ko", "time_zone": "Asia/Seoul"}'),
        ("POST", "/api/v1/auth/logout-all", b""),
        ("POST", "/api/v1/notifications/dangerous", b""),
    ):
        answer = await both.calls(method, target, body)
        assert answer.status_code == 403, (target, answer.text)


@pytest.mark.requirement("R-47")
async def test_a_key_ends_with_its_deletion_its_time_its_network_and_its_owner(
    platform: Platform, database: Database
) -> None:
    owner = platform.owner
    elsewhere = await platform.robot(networks=["203.0.113.0/24"])
    assert_refused(await elsewhere.calls("GET", ECHO))
    here = await platform.robot(networks=["203.0.113.0/24", "127.0.0.0/8"])
    assert (await here.calls("GET", ECHO)).status_code == 200
    (used,) = [
        key for key in (await owner.http.get(KEYS, headers=owner.bearer)).json()["items"] if key["id"] == here.key_id
    ]
    assert (used["last_address"], used["networks"]) == ("127.0.0.1", ["203.0.113.0/24", "127.0.0.0/8"])
    assert (await owner.http.delete(f"{KEYS}/{here.key_id}", headers=owner.bearer)).status_code == 204
    assert_refused(await here.calls("GET", ECHO))
    late = await platform.robot()
    async with database.system() as session:
        await session.execute(
            text("UPDATE api_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day'")
        )
    assert_refused(await late.calls("GET", ECHO))


@pytest.mark.requirement("R-47", "R-53")
async def test_a_secret_is_shown_once_sealed_and_bound_to_its_row(platform: Platform, database: Database) -> None:
    one, two = await platform.robot(), await platform.robot()
    owner = platform.owner
    listed = await owner.http.get(KEYS, headers=owner.bearer)
    assert one.secret not in listed.text
    async with database.system() as session:
        stored = (await session.execute(text("SELECT id, sealed_secret FROM api_keys ORDER BY id"))).all()
        assert all(one.secret.encode() not in row.sealed_secret for row in stored)
        await session.execute(
            text("UPDATE api_keys SET sealed_secret = :other WHERE id = :id"),
            {"other": stored[1].sealed_secret, "id": stored[0].id},
        )
    thief = Robot(platform.http, one.key_id, two.secret)
    assert_refused(await thief.calls("GET", ECHO), "a secret moved to another row opens nothing")


@pytest.mark.requirement("R-48")
async def test_keys_are_asked_for_in_the_documented_form_only(haneul: Person) -> None:
    for bad in (
        {"scopes": []},
        {"scopes": ["admin"]},
        {"expires_in_days": 0},
        {"expires_in_days": 367},
        {"networks": ["203.0.113.1/24"]},
        {"networks": ["nowhere"]},
        {"networks": ["10.0.0.0/8"] * 33},
        {"owner_id": haneul.id},
        {"name": "\x00"},
    ):
        answer = await haneul.http.post(KEYS, json=ALL_SCOPES | bad, headers=haneul.bearer)
        assert answer.status_code == 422, bad
    for _ in range(20):
        assert (await haneul.http.post(KEYS, json=ALL_SCOPES, headers=haneul.bearer)).status_code == 201
    full = await haneul.http.post(KEYS, json=ALL_SCOPES, headers=haneul.bearer)
    assert (full.status_code, full.json()["code"]) == (409, "too_many_api_keys")
    gone = f"{KEYS}/0193ccc5-bf05-7f1f-b569-eaf3a635486d"
    assert (await haneul.http.delete(gone, headers=haneul.bearer)).status_code == 404
