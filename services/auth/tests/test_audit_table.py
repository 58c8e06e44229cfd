"""docs/audit.md: every entry that may be written has a line, and every line a test that saw it written."""

import re
from pathlib import Path

import pytest
from auth.domain.audit import ACTIONS
from kit.db import Database
from sqlalchemy import text

from services.auth.tests.people import PASSWORD, Person

ROOT = Path(__file__).resolve().parents[3]
LINE = re.compile(r"^\| (?P<action>[a-z_]+) \|.*\]\(\.\./(?P<test>\S+)\) \|$", re.MULTILINE)
AUTH, KEYS, USERS = "/api/v1/auth", "/api/v1/users/api-keys", "/api/v1/admin/users"
NEW = "copper meadow 81 windmills"
LAST = text("SELECT action, actor, subject, xmin::text AS written_by FROM audit_log ORDER BY position DESC LIMIT 1")


@pytest.mark.requirement("R-57")
def test_the_table_has_a_line_for_every_entry_and_each_is_looked_for_by_the_test_it_names() -> None:
    lines = LINE.findall((ROOT / "docs" / "audit.md").read_text())
    assert sorted(action for action, _ in lines) == sorted(ACTIONS)
    assert [action for action, test in lines if not re.search(rf"\b{action}\b", (ROOT / test).read_text())] == []


async def last_of(database: Database, effect: str | None) -> tuple[str, str, str]:
    """The last entry; its transaction is the one that last wrote in the table `effect`."""
    async with database.system() as session:
        entry = (await session.execute(LAST)).one()
        if effect is not None:
            same = text(f"SELECT count(*) FROM {effect} WHERE xmin::text = :written_by")
            assert await session.scalar(same, {"written_by": entry.written_by}), f"{entry.action} and {effect}"
    return entry.action, entry.actor, entry.subject


@pytest.mark.requirement("R-57")
async def test_what_somebody_does_to_their_account_is_written_by_the_transaction_that_does_it(
    haneul: Person, database: Database
) -> None:
    async def does(method: str, path: str, status: int, effect: str | None, **body: object) -> tuple[str, str, str]:
        answer = await haneul.http.request(method, path, json=body, headers=haneul.bearer)
        assert answer.status_code == status, answer.text
        if "secret" in answer.text:
            made.append(answer.json()["id"])
        return await last_of(database, effect)

    made: list[str] = []
    me = haneul.id
    codes = await haneul.enrolls()
    assert await last_of(database, "second_factors") == ("second_factor_activated", me, me)
    renewed = await does("POST", f"{AUTH}/2fa/recovery-codes", 200, "recovery_codes", code=codes[0])
    assert renewed == ("recovery_codes_renewed", me, me)
    assert (await does("POST", KEYS, 201, "api_keys", name="robot", scopes=["read"]))[0] == "api_key_created"
    assert await does("DELETE", f"{KEYS}/{made[0]}", 204, None) == ("api_key_deleted", me, made[0])
    wrong = await does(
        "POST", f"{AUTH}/password/change", 401, None, current_password="not the right one", new_password=NEW
    )
    assert wrong == ("password_change_failed", me, me)
    assert await does("POST", f"{AUTH}/2fa/disable", 204, None, code=haneul.code()) == (
        "second_factor_disabled",
        me,
        me,
    )
    assert (await haneul.logs_in(PASSWORD)).status_code == 200
    assert await last_of(database, "sessions") == ("logged_in", me, me)


@pytest.mark.requirement("R-57")
async def test_whatever_an_admin_reads_of_people_is_written_down_before_it_is_answered(
    haneul: Person, operator: Person, database: Database
) -> None:
    for path, told in (
        (f"{USERS}?query=haneul", ("users_listed", operator.id, "haneul")),
        (f"{USERS}/{haneul.id}", ("user_read", operator.id, haneul.id)),
        (f"{USERS}/{haneul.id}/usage", ("usage_read", operator.id, haneul.id)),
        (f"/api/v1/admin/audit?user_id={haneul.id}", ("audit_read", operator.id, haneul.id)),
    ):
        assert (await operator.http.get(path, headers=operator.bearer)).status_code == 200
        assert await last_of(database, None) == told
    changed = await operator.http.put(f"{USERS}/{haneul.id}/role", json={"role": "viewer"}, headers=operator.bearer)
    assert changed.status_code == 200
    assert await last_of(database, "users") == ("rights_changed", operator.id, haneul.id)
