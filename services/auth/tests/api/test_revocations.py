"""What auth revokes reaches auth itself, other services and open sockets, whatever Redis forgets."""

import asyncio
from uuid import UUID

import httpx
import pytest
from auth.app import create_app
from auth.config import Settings
from kit.auth import TokenVerifier
from kit.errors import Unauthenticated
from kit.testing.serving import serving

from services.auth.tests.people import Person

LOGOUT = "/api/v1/auth/logout"
PROFILE = "/api/v1/users/profile"
REVOCATIONS = "/internal/revocations"


@pytest.fixture(autouse=True)
def _ask_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.auth.ASK_SECONDS", 0.05)


@pytest.mark.requirement("R-43")
async def test_another_service_refuses_a_session_that_ended_and_its_sockets_close(
    haneul: Person, settings: Settings
) -> None:
    async with serving(create_app(settings)) as url:
        verifier = TokenVerifier(issuer="exodus", audience="exodus", jwks_url=f"{url}/.well-known/jwks.json")
        identity = await verifier.verify(haneul.access_token)
        socket = asyncio.create_task(verifier.until_ended(identity))
        assert (await haneul.http.post(LOGOUT, headers=haneul.bearer)).status_code == 204
        assert "has ended" in await asyncio.wait_for(socket, 30)
        with pytest.raises(Unauthenticated, match="session has ended"):
            await verifier.verify(haneul.access_token)
        await haneul.logs_in()
        await verifier.verify(haneul.access_token)


async def test_auth_itself_refuses_it_too(haneul: Person) -> None:
    assert (await haneul.http.get(PROFILE, headers=haneul.bearer)).status_code == 200
    await haneul.http.post(LOGOUT, headers=haneul.bearer)
    await asyncio.sleep(0.15)
    answer = await haneul.http.get(PROFILE, headers=haneul.bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_the_list_is_sent_again_only_when_it_changed(haneul: Person, http: httpx.AsyncClient) -> None:
    first = await http.get(REVOCATIONS)
    again = await http.get(REVOCATIONS, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await haneul.http.post(LOGOUT, headers=haneul.bearer)
    changed = await http.get(REVOCATIONS, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert [str(UUID(each)) for each in changed.json()["sessions"]] == changed.json()["sessions"]
    assert len(changed.json()["sessions"]) == 1
