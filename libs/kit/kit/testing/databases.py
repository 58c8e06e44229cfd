"""Fresh databases for tests: migrated once into a template, copied for each test."""

import asyncio
import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kit.ids import new_id
from kit.migrate import SCRIPTS, migrations_of, upgrade

ROLE_PASSWORD = "only-for-tests"  # noqa: S105 - roles of a throw-away server on loopback
TEMPLATE_LOCK = 7_341_021


@dataclass(frozen=True)
class TestDatabase:
    """The addresses of one fresh database."""

    __test__ = False

    name: str
    app_url: str
    system_url: str
    owner_url: str
    admin_url: str


def _address(server: str, database: str, role: str | None = None, scheme: str = "postgresql+asyncpg") -> str:
    parts = urlsplit(server)
    host = f"{parts.hostname}:{parts.port}"
    login = f"{role}:{ROLE_PASSWORD}" if role else parts.netloc.rsplit("@", 1)[0]
    return urlunsplit((scheme, f"{login}@{host}", f"/{database}", "", ""))


def _fingerprint(service: str) -> str:
    digest = hashlib.sha256()
    for folder in (migrations_of(service), Path(__file__).parent.parent):
        for file in sorted(folder.glob("*.py" if folder.name == "versions" else "migrations.py")):
            digest.update(file.read_bytes())
    digest.update((SCRIPTS / "env.py").read_bytes())
    return digest.hexdigest()[:12]


async def _prepare(server: str, service: str, template: str) -> bool:
    """Create roles and the empty template database; False when the template exists already."""
    admin = await asyncpg.connect(server)
    try:
        for suffix in ("owner", "app", "worker"):
            await admin.execute(
                f"DO $$ BEGIN CREATE ROLE {service}_{suffix} LOGIN PASSWORD '{ROLE_PASSWORD}'; "
                "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            return False
        await admin.execute(f"CREATE DATABASE {template}_new OWNER {service}_owner")
        return True
    finally:
        await admin.close()


async def _rename(server: str, old: str, new: str) -> None:
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"ALTER DATABASE {old} RENAME TO {new}")
    finally:
        await admin.close()


async def _drop(server: str, name: str) -> None:
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await admin.close()


@functools.cache
def ensure_template(server: str, service: str) -> str:
    """Migrate a service's template database, once per version of its migrations, whichever process comes first."""
    template = f"template_{service}_{_fingerprint(service)}"

    async def build() -> None:
        guard = await asyncpg.connect(server)
        try:
            await guard.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
            await _drop(server, f"{template}_new")
            if await _prepare(server, service, template):
                await asyncio.to_thread(upgrade, service, _address(server, f"{template}_new", f"{service}_owner"))
                await _rename(server, f"{template}_new", template)
        finally:
            await guard.close()

    asyncio.run(build())
    return template


async def create(server: str, service: str, template: str) -> TestDatabase:
    """Copy a template into a fresh database."""
    name = f"test_{service}_{os.getpid()}_{new_id().hex[-12:]}"
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {service}_owner")
    finally:
        await admin.close()
    return TestDatabase(
        name=name,
        app_url=_address(server, name, f"{service}_app"),
        system_url=_address(server, name, f"{service}_worker"),
        owner_url=_address(server, name, f"{service}_owner"),
        admin_url=_address(server, name, scheme="postgresql"),
    )


async def drop(server: str, database: TestDatabase) -> None:
    """Remove a test's database, whoever is still connected."""
    await _drop(server, database.name)
