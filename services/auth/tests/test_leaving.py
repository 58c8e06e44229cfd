"""What auth holds of somebody: all is told to its owner, and all goes when they leave, but the audit log."""

from uuid import UUID

import asyncpg
import httpx
import pytest
from auth.config import Settings
from auth.resources import Resources
from auth.store import belongings, leaving
from auth.subscriptions import ErasedFact, subscriptions
from fastapi import FastAPI
from kit.clock import now
from kit.events import Envelope
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.isolation import fill

from services.auth.tests.people import Person, register
from tools.native.ports import SERVICES

ME = "/api/v1/users/me"
# Ids of people in tables without an owner: bare, and gone with what they were for.
NAMED_ELSEWHERE = {"challenges": "user_id", "oauth_flows": "user_id", "oauth_tickets": "user_id"}


async def fill_for(admin: "asyncpg.Connection[object]", leaver: UUID, stayer: UUID) -> set[str]:
    """Give two people who exist a row in every table with owners; return the tables."""
    kept = await admin.fetch("SELECT * FROM users")
    await admin.execute("SET session_replication_role = replica")
    await admin.execute("DELETE FROM users")
    tables = await fill(admin, leaver, stayer)
    await admin.execute("DELETE FROM users")
    for row in kept:
        names = ", ".join(row.keys())
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await admin.execute(f"INSERT INTO users ({names}) VALUES ({places})", *row.values())
    of_session = "UPDATE refresh_tokens r SET session_id = s.id FROM sessions s WHERE s.owner_id = r.owner_id"
    of_export = "UPDATE export_parts p SET export_id = e.id FROM exports e WHERE e.owner_id = p.owner_id"
    for statement in (of_session, of_export, "UPDATE delegations SET delegate_id = $1 WHERE owner_id = $2"):
        await admin.execute(statement, *((leaver, stayer) if "$1" in statement else ()))
    await admin.execute("SET session_replication_role = origin")
    return {table.name.rpartition(".")[2].strip('"') for table in tables}


async def count_of(admin: "asyncpg.Connection[object]", tables: set[str], person: UUID) -> dict[str, int]:
    wanted = dict.fromkeys(tables, "owner_id") | NAMED_ELSEWHERE
    counted = {
        name: await admin.fetchval(f"SELECT count(*) FROM {name} WHERE {column} = $1", person)
        for name, column in wanted.items()
    }
    return {name: int(str(count)) for name, count in counted.items() if count}


async def test_every_table_with_owners_is_told_or_has_a_reason_not_to(fresh: TestDatabase) -> None:
    admin = await asyncpg.connect(fresh.admin_url)
    names = {table.name.rpartition(".")[2].strip('"') for table in await fill(admin, new_id())}
    await admin.close()
    assert names == {table.name for table in belongings.TOLD} | belongings.UNTOLD.keys()


@pytest.mark.requirement("R-39")
async def test_after_leaving_nothing_is_left_here_and_nobody_else_is_touched(
    haneul: Person, fresh: TestDatabase, app: FastAPI
) -> None:
    stayer = await register(haneul.http, "someone.else@example.com")
    leaver_id, stayer_id = UUID(haneul.id), UUID(stayer.id)
    admin = await asyncpg.connect(fresh.admin_url)
    tables = await fill_for(admin, leaver_id, stayer_id)
    assert (await count_of(admin, tables, leaver_id)).keys() >= tables
    before = await count_of(admin, tables, stayer_id)
    answer = await haneul.http.delete(ME, headers=haneul.bearer)
    assert answer.status_code == 202, answer.text
    await admin.execute("UPDATE events SET published_at = now()")
    resources: Resources = app.state.resources
    async with resources.database.system() as session:
        await leaving.delete_facts_of_erased(session)
    assert await count_of(admin, tables, leaver_id) == {}
    # what the stayer had lent to the leaver is gone with the leaver
    assert await count_of(admin, tables, stayer_id) == {name: n for name, n in before.items() if name != "delegations"}
    everything = [str(dict(row)) for table in tables for row in await admin.fetch(f"SELECT * FROM {table}")]
    assert not any(haneul.email in row or haneul.id in row for row in everything)
    await admin.close()


async def test_whoever_left_is_out_at_once_and_may_come_anew(haneul: Person) -> None:
    assert (await haneul.http.delete(ME, headers=haneul.bearer)).status_code == 202
    assert (await haneul.refreshes()).status_code == 401
    assert (await haneul.logs_in()).json()["code"] == "wrong_credentials"
    assert (await register(haneul.http, haneul.email)).id != haneul.id


async def test_the_progress_of_an_erasure_names_who_has_yet_to_do_it(
    haneul: Person, http: httpx.AsyncClient, app: FastAPI
) -> None:
    resources: Resources = app.state.resources
    operator = await register(http, "operator@example.com")
    async with resources.database.system() as session:
        await session.exec_driver_sql("UPDATE users SET role = 'admin' WHERE email = 'operator@example.com'")
    await operator.logs_in()
    asked = (await haneul.http.delete(ME, headers=haneul.bearer)).json()
    assert {service for service, done in asked["services"].items() if done} == {"auth"}
    assert asked["services"].keys() == set(SERVICES)
    for service in ("trading", "trading", "market"):  # hearing it twice is hearing it once
        await hears(resources, service, UUID(haneul.id))
    shown = (await http.get("/api/v1/admin/erasures", headers=operator.bearer)).json()["items"]
    assert [each["user_id"] for each in shown] == [haneul.id]
    done = {service for service, moment in shown[0]["services"].items() if moment}
    assert done == {"auth", "trading", "market"}
    assert (await http.get("/api/v1/admin/erasures", headers=haneul.bearer)).status_code in (401, 403)


async def hears(resources: Resources, service: str, user_id: UUID) -> None:
    kind = f"{service}.owner.erased.v1"
    ids = {"id": new_id(), "correlation_id": new_id(), "causation_id": None, "version": 1}
    message = Envelope(type=kind, source=service, time=now(), subject=str(user_id), owner=user_id, data={}, **ids)
    await subscriptions.handlers[kind].handler(resources, ErasedFact(user_id=user_id), message)


async def test_the_last_admin_cannot_leave(haneul: Person, app: FastAPI) -> None:
    resources: Resources = app.state.resources
    async with resources.database.system() as session:
        await session.exec_driver_sql("UPDATE users SET role = 'admin'")
    await haneul.logs_in()
    answer = await haneul.http.delete(ME, headers=haneul.bearer)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")


@pytest.mark.requirement("R-57")
async def test_leaving_is_in_the_audit_log_which_stays(haneul: Person, fresh: TestDatabase, settings: Settings) -> None:
    await haneul.http.delete(ME, headers=haneul.bearer)
    admin = await asyncpg.connect(fresh.admin_url)
    rows = await admin.fetch("SELECT action FROM audit_log WHERE subject = $1", haneul.id)
    await admin.close()
    assert {"user_erased", "sessions_ended"} <= {row["action"] for row in rows}
