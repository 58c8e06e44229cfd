"""The proof that owners are kept apart is itself proved: it is silent on a sound database and finds every hole."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
import pytest_asyncio
from kit.testing import isolation
from kit.testing.databases import ROLE_PASSWORD, TestDatabase

pytestmark = pytest.mark.requirement("R-36", "R-37")

HOLES = {
    "row-level security is not forced": ("ALTER TABLE notes NO FORCE ROW LEVEL SECURITY", "does not force"),
    "row-level security is off": (
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        "SELECT reaches another owner's rows",
    ),
    "a view runs as its maker": (
        "CREATE VIEW every_note AS SELECT * FROM notes; GRANT SELECT ON every_note TO noticeboard_app",
        "every_note is a view that runs as its maker",
    ),
    "a partition is not protected": (
        """
        CREATE TABLE scraps (owner_id uuid NOT NULL, day date NOT NULL, PRIMARY KEY (owner_id, day))
               PARTITION BY RANGE (day);
        ALTER TABLE scraps ENABLE ROW LEVEL SECURITY; ALTER TABLE scraps FORCE ROW LEVEL SECURITY;
        CREATE POLICY mine ON scraps TO noticeboard_app USING (owner_id = current_setting('app.owner_id')::uuid);
        CREATE TABLE scraps_all PARTITION OF scraps DEFAULT;
        GRANT ALL ON scraps, scraps_all TO noticeboard_app;
        """,
        "scraps_all does not force",
    ),
    "a policy lets everybody read": (
        "CREATE POLICY open ON notes FOR SELECT TO noticeboard_app USING (true)",
        "policy open of notes reads without the owner",
    ),
    "a policy for everybody": ("CREATE POLICY public ON notes USING (true)", "policy public of notes"),
    "a policy lets rows be given away": (
        "CREATE POLICY given ON notes FOR INSERT TO noticeboard_app WITH CHECK (true)",
        "INSERT reaches another owner's rows",
    ),
    "no owner is an empty answer and no error": (
        """
        DROP POLICY notes_owner ON notes;
        CREATE POLICY lax ON notes TO noticeboard_app
               USING (owner_id = nullif(current_setting('app.owner_id', true), '')::uuid)
        """,
        "SELECT works with no owner",
    ),
    "a table has no owner": (
        "CREATE TABLE scribbles (words text); GRANT SELECT ON scribbles TO noticeboard_app",
        "scribbles has no owner",
    ),
    "a copy of everything": (
        "CREATE MATERIALIZED VIEW copy AS SELECT * FROM notes; GRANT SELECT ON copy TO noticeboard_app",
        "copy is a copy",
    ),
    "a function runs as its maker": (
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM notes'",
        "peek runs as its maker",
    ),
    "a key spans owners": ("CREATE UNIQUE INDEX words_once ON notes (words)", "words_once of notes"),
    "a grant too many": ("GRANT TRUNCATE ON notes TO noticeboard_app", "may truncate"),
    "a default grant": (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO noticeboard_app",
        "default privileges give something",
    ),
}


@pytest_asyncio.fixture
async def admin(fresh: TestDatabase) -> AsyncIterator["asyncpg.Connection"]:
    connection = await asyncpg.connect(fresh.admin_url)
    yield connection
    await connection.close()


async def test_a_sound_database_has_no_findings(fresh: TestDatabase) -> None:
    assert await isolation.findings(fresh, "noticeboard", {}) == []


@pytest.mark.parametrize("hole", sorted(HOLES))
async def test_a_hole_is_found(fresh: TestDatabase, admin: "asyncpg.Connection", hole: str) -> None:
    statement, finding = HOLES[hole]
    await admin.execute(statement)
    found = await isolation.findings(fresh, "noticeboard", {})
    assert any(finding in sentence for sentence in found), found


async def test_a_permission_that_permits_nothing_is_found(fresh: TestDatabase) -> None:
    (found,) = await isolation.findings(fresh, "noticeboard", {"ghosts": "no reason"})
    assert "ghosts is permitted and does not need it" in found


async def test_a_role_that_may_bypass_is_found(fresh: TestDatabase, admin: "asyncpg.Connection") -> None:
    """Roles are the whole server's, and other tests are using ours: the one that may bypass is made for this test."""
    loose = f"loose_{os.getpid()}"
    password = f"LOGIN PASSWORD '{ROLE_PASSWORD}'"
    await admin.execute(f"CREATE ROLE {loose}_app BYPASSRLS {password}; CREATE ROLE {loose}_worker {password}")
    try:
        await admin.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO {loose}_app")
        database = replace(fresh, app_url=fresh.app_url.replace("//noticeboard_app:", f"//{loose}_app:"))
        found = await isolation.findings(database, loose, {})
    finally:
        await admin.execute(f"DROP OWNED BY {loose}_app; DROP ROLE {loose}_app, {loose}_worker")
    assert any(f"{loose}_app may do more than its work" in sentence for sentence in found)
    assert any("reaches another owner's rows" in sentence for sentence in found)
