"""What administrators see and change, and how soon it counts."""

import asyncio
from typing import Any

import pytest
from kit.auth import STEP_UP_SECONDS
from kit.db import Database
from sqlalchemy import text

from services.auth.tests.people import Person, becomes

USERS, AUDIT, PROFILE = "/api/v1/admin/users", "/api/v1/admin/audit", "/api/v1/users/profile"
EVERYTHING = {"paper": True, "real": True, "premium": True, "daily_trades_max": 5, "calls_per_minute_max": 60}


@pytest.fixture(autouse=True)
def _ask_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.auth.ASK_SECONDS", 0.05)


async def claims_of(person: Person, app: Any) -> Any:
    return await app.state.verifier.verify(person.access_token)


@pytest.mark.requirement("R-48")
async def test_a_changed_permission_counts_within_seconds_and_after_the_next_refresh(
    haneul: Person, operator: Person, second: Person, app: Any
) -> None:
    before = await claims_of(haneul, app)
    assert (before.permissions, before.version) == ({"paper"}, 0)
    await operator.http.put(f"{USERS}/{haneul.id}/permissions", json=EVERYTHING, headers=operator.bearer)
    answer = await second.http.post(f"/api/v1/admin/proposals/{haneul.id}/approve", headers=second.bearer)
    assert answer.status_code == 200
    assert answer.json()["permissions"] == EVERYTHING
    await asyncio.sleep(0.15)
    refused = await haneul.http.get(PROFILE, headers=haneul.bearer)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_expired"), "the client refreshes by itself"
    haneul.access_token = (await haneul.refreshes()).json()["access_token"]
    after = await claims_of(haneul, app)
    assert after.permissions == {"paper", "real", "premium"}
    assert after.limits == {"daily_trades": 5, "calls_per_minute": 60}
    assert after.version == 2
    shown = (await haneul.http.get(PROFILE, headers=haneul.bearer)).json()
    assert shown["permissions"] == EVERYTHING, "everybody sees what they may do"
    unbounded = {**EVERYTHING, "daily_trades_max": None, "calls_per_minute_max": 60_000}
    await operator.http.put(f"{USERS}/{haneul.id}/permissions", json=unbounded, headers=operator.bearer)
    await second.http.post(f"/api/v1/admin/proposals/{haneul.id}/approve", headers=second.bearer)
    haneul.access_token = (await haneul.refreshes()).json()["access_token"]
    assert (await claims_of(haneul, app)).limits == {"calls_per_minute": 60_000}


@pytest.mark.parametrize("wrong", [{"daily_trades_max": -1}, {"calls_per_minute_max": 61}, {"premium": None}])
async def test_figures_that_nothing_counts_by_are_refused(
    haneul: Person, operator: Person, wrong: dict[str, Any]
) -> None:
    body = EVERYTHING | wrong
    answer = await operator.http.put(f"{USERS}/{haneul.id}/permissions", json=body, headers=operator.bearer)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, next(iter(wrong)))


@pytest.mark.requirement("R-48")
async def test_a_downgraded_role_opens_nothing_any_more(haneul: Person, operator: Person, database: Database) -> None:
    await becomes(database, haneul, "admin")
    assert (await haneul.http.get(USERS, headers=haneul.bearer)).status_code == 200
    body = {"role": "viewer"}
    changed = await operator.http.put(f"{USERS}/{haneul.id}/role", json=body, headers=operator.bearer)
    assert changed.json()["role"] == "viewer"
    await asyncio.sleep(0.15)
    assert (await haneul.http.get(USERS, headers=haneul.bearer)).status_code == 401
    haneul.access_token = (await haneul.refreshes()).json()["access_token"]
    assert (await haneul.http.get(USERS, headers=haneul.bearer)).status_code == 403


async def test_a_locked_account_has_no_session_and_gets_none(haneul: Person, operator: Person) -> None:
    assert (await operator.http.post(f"{USERS}/{haneul.id}/lock", headers=operator.bearer)).json()["locked"] is True
    await asyncio.sleep(0.15)
    assert (await haneul.http.get(PROFILE, headers=haneul.bearer)).status_code == 401
    assert (await haneul.refreshes()).status_code == 401
    refused = await haneul.logs_in()
    assert (refused.status_code, refused.json()["code"]) == (401, "wrong_credentials"), "a guesser learns nothing"
    opened = await operator.http.post(f"{USERS}/{haneul.id}/unlock", headers=operator.bearer)
    assert opened.json()["locked"] is False
    assert (await haneul.logs_in()).status_code == 200


async def test_the_last_admin_cannot_lock_everybody_out(operator: Person) -> None:
    for method, path, body in (("PUT", "role", {"role": "user"}), ("POST", "lock", None)):
        answer = await operator.http.request(
            method, f"{USERS}/{operator.id}/{path}", json=body, headers=operator.bearer
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")


@pytest.mark.requirement("R-48")
async def test_rights_are_changed_only_after_a_fresh_proof(
    haneul: Person, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.auth.STEP_UP_SECONDS", -STEP_UP_SECONDS)
    for method, path, body in (
        ("PUT", "permissions", EVERYTHING),
        ("PUT", "role", {"role": "admin"}),
        ("POST", "lock", None),
        ("POST", "unlock", None),
    ):
        answer = await operator.http.request(method, f"{USERS}/{haneul.id}/{path}", json=body, headers=operator.bearer)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required"), path


@pytest.mark.requirement("R-48")
async def test_nobody_but_an_admin_gets_in_and_nothing_unknown_is_taken(haneul: Person, operator: Person) -> None:
    for path in (USERS, AUDIT, f"{USERS}/{operator.id}", f"{USERS}/{operator.id}/usage"):
        assert (await haneul.http.get(path, headers=haneul.bearer)).status_code == 403
    for path, body in (("role", {"role": "admin"}), ("permissions", EVERYTHING)):
        url = f"{USERS}/{haneul.id}/{path}"
        assert (await haneul.http.put(url, json=body, headers=haneul.bearer)).status_code == 403
        more = await operator.http.put(url, json={**body, "owner_id": operator.id}, headers=operator.bearer)
        assert more.status_code == 422
    gone = "0193ccc5-bf05-7f1f-b569-eaf3a635486d"
    for path in (f"{USERS}/{gone}", f"{USERS}/{gone}/usage"):
        assert (await operator.http.get(path, headers=operator.bearer)).status_code == 404


async def test_accounts_are_listed_found_and_counted(haneul: Person, operator: Person) -> None:
    first = (await operator.http.get(USERS, params={"limit": 1}, headers=operator.bearer)).json()
    second = await operator.http.get(USERS, params={"cursor": first["next_cursor"]}, headers=operator.bearer)
    assert {first["items"][0]["id"], second.json()["items"][0]["id"]} == {haneul.id, operator.id}
    found = (await operator.http.get(USERS, params={"query": "HANEUL"}, headers=operator.bearer)).json()["items"]
    assert [item["id"] for item in found] == [haneul.id]
    assert (await operator.http.get(USERS, params={"query": "100%"}, headers=operator.bearer)).json()["items"] == []
    usage = (await operator.http.get(f"{USERS}/{haneul.id}/usage", headers=operator.bearer)).json()
    assert usage == {"sessions": 1, "api_keys": 0, "audit_entries": 2}
    for bad in ({"query": "\x00"}, {"cursor": "nonsense"}, {"cursor": "WyJ4Il0"}, {"limit": 501}):
        assert (await operator.http.get(USERS, params=bad, headers=operator.bearer)).status_code == 422, bad


@pytest.mark.requirement("R-57")
async def test_who_did_what_to_whom_is_kept_reads_of_personal_data_included(
    haneul: Person, operator: Person, database: Database
) -> None:
    await operator.http.get(f"{USERS}/{haneul.id}", headers={**operator.bearer, "X-Request-ID": "seen-in-the-log"})
    await operator.http.put(f"{USERS}/{haneul.id}/role", json={"role": "viewer"}, headers=operator.bearer)
    await haneul.logs_in("not the right one at all")
    listed = (await operator.http.get(AUDIT, headers=operator.bearer)).json()["items"]
    actions = [(item["action"], item["actor"], item["subject"]) for item in listed]
    assert actions[:3] == [
        ("log_in_failed", "", haneul.id),
        ("rights_changed", operator.id, haneul.id),
        ("user_read", operator.id, haneul.id),
    ]
    assert (listed[1]["old"], listed[1]["new"]) == ({"role": "user"}, {"role": "viewer"})
    assert listed[2]["request_id"] == "seen-in-the-log"
    assert listed[2]["address"] == "127.0.0.1"
    theirs = await operator.http.get(AUDIT, params={"user_id": haneul.id}, headers=operator.bearer)
    assert [item["action"] for item in theirs.json()["items"]] == ["logged_in", "registered"]
    async with database.system() as session:
        announced = await session.scalar(
            text("SELECT data FROM events WHERE type = 'auth.permissions.changed.v1' ORDER BY position DESC LIMIT 1")
        )
    assert announced == {"user_id": haneul.id, "role": "viewer", "permissions": ["paper"], "locked": False}
