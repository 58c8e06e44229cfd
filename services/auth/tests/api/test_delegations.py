"""Letting somebody look: it stands in their next token, and is gone from the one after."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from auth.store import audit
from auth.store.audit import Wanted
from kit.db import Database

from services.auth.tests.people import Person, register

DELEGATIONS, PROFILE = "/api/v1/users/delegations", "/api/v1/users/profile"


@pytest.fixture(autouse=True)
def _ask_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.auth.ASK_SECONDS", 0.05)


@pytest.mark.requirement("R-48", "R-57")
async def test_a_delegation_reaches_the_next_token_and_is_taken_back_within_seconds(
    haneul: Person, http: httpx.AsyncClient, app: Any, database: Database
) -> None:
    minjun = await register(http, "minjun@example.com")
    await minjun.logs_in()
    lent = await http.post(DELEGATIONS, json={"email": minjun.email}, headers=haneul.bearer)
    assert lent.status_code == 201
    await minjun.logs_in()
    assert (await app.state.verifier.verify(minjun.access_token)).lenders == {UUID(haneul.id)}
    listed = (await http.get(DELEGATIONS, headers=haneul.bearer)).json()["items"]
    assert [(item["id"], item["email"]) for item in listed] == [(lent.json()["id"], minjun.email)]
    sees = await http.get(PROFILE, headers={**minjun.bearer, "X-On-Behalf-Of": haneul.id})
    assert sees.status_code == 403, "accounts are lent, not who somebody is"
    path = f"{DELEGATIONS}/{lent.json()['id']}"
    assert (await http.delete(path, headers=minjun.bearer)).status_code == 404, "only who lent can take back"
    assert (await http.delete(path, headers=haneul.bearer)).status_code == 204
    await asyncio.sleep(0.15)
    assert (await http.get(PROFILE, headers=minjun.bearer)).json()["code"] == "token_expired"
    await minjun.logs_in()
    assert (await app.state.verifier.verify(minjun.access_token)).lenders == frozenset()
    async with database.system() as session:
        kept = await audit.list_entries(session, Wanted(None, 10, subject=minjun.id))
    of_sight = [each.entry.action for each in kept if each.entry.actor == haneul.id]
    assert of_sight == ["sight_taken_back", "sight_lent"]


async def test_nothing_is_lent_to_nobody_to_oneself_or_twice(haneul: Person, http: httpx.AsyncClient) -> None:
    minjun = await register(http, "minjun@example.com")
    for email in ("nobody@example.com", haneul.email):
        answer = await http.post(DELEGATIONS, json={"email": email}, headers=haneul.bearer)
        assert (answer.status_code, answer.json()["code"]) == (409, "nobody_to_lend_to")
    statuses = [
        (await http.post(DELEGATIONS, json={"email": minjun.email}, headers=haneul.bearer)).status_code
        for _ in range(2)
    ]
    assert statuses == [201, 409]
