"""What lets somebody do more is looked at twice: by a second admin, or by the only one a day later."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from auth.domain.proposal import KEPT, WAITS
from auth.domain.user import UserId
from auth.store import audit, proposals
from auth.store.audit import Wanted
from auth.usecases.forget_expired import forget_expired
from auth.usecases.put_rights_in_force import put_rights_in_force
from kit.auth import STEP_UP_SECONDS
from kit.clock import now
from kit.db import Database
from sqlalchemy import text

from services.auth.tests.people import Person

USERS, PROPOSALS, AUDIT = "/api/v1/admin/users", "/api/v1/admin/proposals", "/api/v1/admin/audit"
AT_FIRST = {"paper": True, "real": False, "premium": False, "daily_trades_max": None, "calls_per_minute_max": 60_000}
LIMITED = AT_FIRST | {"daily_trades_max": 5}
MORE: list[dict[str, Any]] = [{"real": True}, {"daily_trades_max": 6}, {"daily_trades_max": None}]
NOT_MORE: list[dict[str, Any]] = [
    {"paper": False},
    {"premium": True},
    {"daily_trades_max": 4},
    {"daily_trades_max": 0},
    {"calls_per_minute_max": 60},
]


async def permits(admin: Person, whom: Person, permissions: dict[str, Any]) -> Any:
    url = f"{USERS}/{whom.id}/permissions"
    answer = await admin.http.put(url, json=permissions, headers=admin.bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()["permissions"]


async def waiting(admin: Person) -> Any:
    return (await admin.http.get(PROPOSALS, headers=admin.bearer)).json()["items"]


async def approves(admin: Person, whom: Person) -> httpx.Response:
    return await admin.http.post(f"{PROPOSALS}/{whom.id}/approve", headers=admin.bearer)


async def comes_into_force(database: Database, whom: Person, later: timedelta) -> bool:
    async with database.system() as session:
        due = await proposals.list_due(session, now() + later)
        done = await put_rights_in_force(session, UserId(UUID(whom.id)), now() + later)
    assert (done is not None) <= (UUID(whom.id) in due)
    return done is not None


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("more", MORE)
async def test_more_waits_for_another_admin_and_counts_from_their_word_on(
    haneul: Person, operator: Person, second: Person, more: dict[str, Any]
) -> None:
    await permits(operator, haneul, LIMITED)
    assert await permits(operator, haneul, LIMITED | more) == LIMITED, "until somebody agrees, the tighter holds"
    (proposed,) = await waiting(second)
    assert (proposed["user_id"], proposed["proposed_by"]) == (haneul.id, operator.id)
    assert (proposed["effective_at"], proposed["permissions"]) == (None, LIMITED | more)
    own = await approves(operator, haneul)
    assert (own.status_code, own.json()["code"]) == (409, "second_admin_needed")
    agreed = await approves(second, haneul)
    assert (agreed.status_code, agreed.json()["permissions"]) == (200, LIMITED | more)
    assert await waiting(second) == []
    assert (await approves(second, haneul)).status_code == 404, "once is enough"
    said = (await operator.http.get(AUDIT, headers=operator.bearer)).json()["items"]
    assert [(each["action"], each["actor"]) for each in said[:3]] == [
        ("rights_changed", second.id),
        ("rights_approved", second.id),
        ("rights_proposed", operator.id),
    ]


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("less", NOT_MORE)
async def test_what_is_not_more_holds_at_once(
    haneul: Person, operator: Person, second: Person, less: dict[str, Any]
) -> None:
    await permits(operator, haneul, LIMITED)
    assert await permits(operator, haneul, LIMITED | less) == LIMITED | less
    assert await waiting(second) == []


@pytest.mark.requirement("R-48")
async def test_of_a_mixed_wish_the_tighter_part_holds_at_once(haneul: Person, operator: Person, second: Person) -> None:
    wish = AT_FIRST | {"real": True, "daily_trades_max": 3}
    assert await permits(operator, haneul, wish) == AT_FIRST | {"daily_trades_max": 3}
    assert (await approves(second, haneul)).json()["permissions"] == wish


@pytest.mark.requirement("R-48")
async def test_a_role_and_permissions_asked_for_one_after_the_other_wait_together(
    haneul: Person, operator: Person, second: Person
) -> None:
    await permits(operator, haneul, AT_FIRST | {"real": True})
    shown = await operator.http.put(f"{USERS}/{haneul.id}/role", json={"role": "admin"}, headers=operator.bearer)
    assert (shown.json()["role"], shown.json()["permissions"]) == ("user", AT_FIRST)
    (proposed,) = await waiting(second)
    assert (proposed["role"], proposed["permissions"]) == ("admin", AT_FIRST | {"real": True})


@pytest.mark.requirement("R-48")
async def test_nobody_takes_over_unseen_what_another_admin_has_proposed(
    haneul: Person, operator: Person, second: Person
) -> None:
    await permits(operator, haneul, AT_FIRST | {"real": True})
    await second.http.put(f"{USERS}/{haneul.id}/role", json={"role": "admin"}, headers=second.bearer)
    (proposed,) = await waiting(operator)
    assert (proposed["proposed_by"], proposed["role"], proposed["permissions"]) == (second.id, "admin", AT_FIRST)


@pytest.mark.requirement("R-48")
async def test_nobody_makes_an_admin_alone(haneul: Person, operator: Person, second: Person) -> None:
    url = f"{USERS}/{haneul.id}/role"
    answer = await operator.http.put(url, json={"role": "admin"}, headers=operator.bearer)
    assert answer.json()["role"] == "user"
    assert (await approves(second, haneul)).json()["role"] == "admin"


@pytest.mark.requirement("R-48")
async def test_the_only_admin_waits_a_day(haneul: Person, operator: Person, database: Database) -> None:
    wish = AT_FIRST | {"real": True}
    assert await permits(operator, haneul, wish) == AT_FIRST
    (proposed,) = await waiting(operator)
    assert proposed["effective_at"] is not None
    assert (await approves(operator, haneul)).status_code == 409
    assert not await comes_into_force(database, haneul, WAITS - timedelta(minutes=1))
    assert await comes_into_force(database, haneul, WAITS + timedelta(minutes=1))
    assert not await comes_into_force(database, haneul, WAITS + timedelta(minutes=1)), "once"
    shown = await operator.http.get(f"{USERS}/{haneul.id}", headers=operator.bearer)
    assert shown.json()["permissions"] == wish


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("state", ["role = 'user'", "locked_at = now()"])
async def test_what_somebody_proposed_who_is_no_admin_any_more_never_counts(
    haneul: Person, operator: Person, database: Database, state: str
) -> None:
    await permits(operator, haneul, AT_FIRST | {"real": True})
    async with database.system() as session:
        await session.execute(text(f"UPDATE users SET {state} WHERE id = :id"), {"id": operator.id})
    assert not await comes_into_force(database, haneul, WAITS + timedelta(minutes=1))
    async with database.system() as session:
        assert await proposals.find(session, UserId(UUID(haneul.id)), now()) is None


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize("how", ["withdrawn", "locked", "replaced", "too old"])
async def test_a_proposal_ends_when_it_is_withdrawn_overtaken_or_old(
    haneul: Person, operator: Person, second: Person, database: Database, how: str
) -> None:
    await permits(operator, haneul, AT_FIRST | {"real": True})
    if how == "withdrawn":
        path = f"{PROPOSALS}/{haneul.id}"
        assert (await second.http.delete(path, headers=second.bearer)).status_code == 204
        assert (await second.http.delete(path, headers=second.bearer)).status_code == 404
        async with database.system() as session:
            (no,) = await audit.list_entries(session, Wanted(None, 1))
        assert (no.entry.actor, no.entry.action, no.entry.subject) == (second.id, "proposal_withdrawn", haneul.id)
    elif how == "locked":
        assert (await second.http.post(f"{USERS}/{haneul.id}/lock", headers=second.bearer)).status_code == 200
    elif how == "replaced":
        await permits(second, haneul, AT_FIRST)
    else:
        async with database.system() as session:
            await forget_expired(session, now() + KEPT)
    assert await waiting(second) == []
    assert (await approves(second, haneul)).status_code == 404


@pytest.mark.requirement("R-48")
async def test_agreeing_is_for_admins_with_a_fresh_proof(
    haneul: Person, operator: Person, second: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await permits(operator, haneul, AT_FIRST | {"real": True})
    assert (await haneul.http.get(PROPOSALS, headers=haneul.bearer)).status_code == 403
    assert (await haneul.http.delete(f"{PROPOSALS}/{haneul.id}", headers=haneul.bearer)).status_code == 403
    assert (await approves(haneul, haneul)).status_code == 403
    assert (await haneul.http.post(f"{PROPOSALS}/{haneul.id}/approve")).status_code == 401
    monkeypatch.setattr("kit.auth.STEP_UP_SECONDS", -STEP_UP_SECONDS)
    stale = await approves(second, haneul)
    assert (stale.status_code, stale.json()["code"]) == (403, "step_up_required")
    assert len(await waiting(second)) == 1
