"""Every migration leaves the code that ran before it able to go on, or says in contractions.yml why it need not."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio
import yaml
from kit.migrate import migrations_of, upgrade
from kit.testing.databases import ROLE_PASSWORD

from tools import expansion
from tools.expansion import narrowings, shape_of
from tools.native.ports import SERVICES

CONTRACTIONS = Path(expansion.__file__).with_name("contractions.yml")
KNOWN: dict[str, dict[str, str]] = yaml.safe_load(CONTRACTIONS.read_text()) or {}
ROLE = """
DO $$ BEGIN CREATE ROLE {name} LOGIN PASSWORD '{password}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$
"""

pytestmark = [pytest.mark.requirement("R-30"), pytest.mark.timeout(600)]


def address(server: str, database: str, role: str | None = None) -> str:
    parts = urlsplit(server)
    login = f"{role}:{ROLE_PASSWORD}@{parts.hostname}:{parts.port}" if role else parts.netloc
    return urlunsplit(("postgresql+asyncpg" if role else "postgresql", login, f"/{database}", "", ""))


@pytest_asyncio.fixture
async def empty(postgres_server: str) -> AsyncIterator[str]:
    """The name of a database of nobody yet, on the tests' server."""
    name = f"expansion_{os.getpid()}"
    admin = await asyncpg.connect(address(postgres_server, "postgres"))
    for service in SERVICES:
        for kind in ("owner", "app", "worker"):
            await admin.execute(ROLE.format(name=f"{service}_{kind}", password=ROLE_PASSWORD))
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {name}")
    yield name
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_no_migration_takes_away_what_the_code_before_it_uses(
    service: str, empty: str, postgres_server: str
) -> None:
    admin = await asyncpg.connect(address(postgres_server, empty))
    await admin.execute(
        f"ALTER DATABASE {empty} OWNER TO {service}_owner; GRANT ALL ON SCHEMA public TO {service}_owner"
    )
    revisions = sorted(file.name[:4] for file in migrations_of(service).glob("[0-9]*.py"))
    assert revisions[0] == "0001"
    found: dict[str, set[str]] = {}
    before = None
    for revision in revisions:
        await asyncio.to_thread(upgrade, service, address(postgres_server, empty, f"{service}_owner"), revision)
        after = await shape_of(admin)
        assert after.tables
        if before is not None and (taken := narrowings(before, after)):
            found[f"{service} {revision}"] = set(taken)
        before = after
    await admin.close()
    known = {step: set(lines) for step, lines in KNOWN.items() if step.split()[0] == service}
    assert found == known, f"expand first, and contract a release later; or say why not in {CONTRACTIONS.name}"


def test_every_contraction_says_why() -> None:
    for step, lines in KNOWN.items():
        assert all(isinstance(reason, str) and reason for reason in lines.values()), step


BEFORE = """
CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL CHECK (status IN ('open', 'done')), note text,
                     price numeric DEFAULT 0 NOT NULL);
CREATE TABLE gone (id int);
CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
GRANT SELECT, UPDATE ON orders TO trading_app
"""
REPLACE = "ALTER TABLE orders DROP CONSTRAINT orders_status_check, ADD CONSTRAINT orders_status_check"


@pytest.mark.parametrize(
    ("step", "taken"),
    [
        ("ALTER TABLE orders ADD COLUMN venue text", []),
        ("ALTER TABLE orders ADD COLUMN venue text NOT NULL DEFAULT 'KRX' CHECK (venue IN ('KRX'))", []),
        ("ALTER TABLE orders ALTER COLUMN status DROP NOT NULL; CREATE TABLE more (id int NOT NULL)", []),
        (
            f"{REPLACE} CHECK (status IN ('open', 'held', 'done'))",
            [],
        ),
        ("ALTER TABLE orders ADD COLUMN venue text NOT NULL", ["the column orders.venue is new, and must be given"]),
        ("ALTER TABLE orders DROP COLUMN note", ["the column orders.note is gone"]),
        ("ALTER TABLE orders RENAME COLUMN note TO remark", ["the column orders.note is gone"]),
        ("ALTER TABLE orders ALTER COLUMN note SET NOT NULL", ["the column orders.note must be given now"]),
        ("ALTER TABLE orders ALTER COLUMN price DROP DEFAULT", ["the column orders.price must be given now"]),
        ("ALTER TABLE orders ALTER COLUMN price TYPE int", ["the column orders.price was numeric and is integer"]),
        ("DROP TABLE gone; DROP FUNCTION answer", ["the function answer is gone", "the table gone is gone"]),
        ("ALTER TABLE gone RENAME TO gone_before", ["the table gone is gone"]),
        ("REVOKE UPDATE ON orders FROM trading_app", ["trading_app may not UPDATE orders any more"]),
        ("CREATE UNIQUE INDEX one_note ON orders (note)", ["orders has a new rule about note"]),
        ("ALTER TABLE orders ADD CHECK (price > 0)", ["orders has a new rule about price"]),
        (
            f"{REPLACE} CHECK (status IN ('open', 'held'))",
            ["orders has a new rule about status"],
        ),
    ],
)
async def test_what_is_taken_away_is_seen_however_it_was_done(
    step: str, taken: list[str], empty: str, postgres_server: str
) -> None:
    admin = await asyncpg.connect(address(postgres_server, empty))
    try:
        await admin.execute(BEFORE)
        before = await shape_of(admin)
        await admin.execute(step)
        seen = narrowings(before, await shape_of(admin))
    finally:
        await admin.close()
    assert seen == taken
