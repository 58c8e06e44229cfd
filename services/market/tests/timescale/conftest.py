"""A real TimescaleDB without its package: WebAssembly PostgreSQL behind a socket, migrated like any other database."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from kit.migrate import upgrade
from kit.testing.serving import free_port

HERE = Path(__file__).parent
INSTALL_SECONDS_MAX = 90
ROLES = ("owner", "app", "worker")


@pytest.fixture(scope="session")
def pglite() -> Path:
    """The folder of its programs, installed when Node is there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs Node.js: TimescaleDB runs here as WebAssembly")
    if not (HERE / "node_modules" / "@unni-craftsman").is_dir():
        command = ["npm", "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=HERE, capture_output=True, timeout=INSTALL_SECONDS_MAX, check=False)
        if done.returncode != 0:
            pytest.skip(f"TimescaleDB for tests cannot be installed: {done.stderr.decode()[-200:]}")
    return HERE


@pytest.fixture(scope="module")
def timescale_url(pglite: Path) -> Iterator[str]:
    """Its address, with market's newest tables; everything is gone afterwards."""
    port, inner = free_port(), free_port()
    process = subprocess.Popen(
        ["node", "serve.mjs", str(port), str(inner)], cwd=pglite, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        asyncio.run(_create_roles(port))
        url = f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres?ssl=disable"
        upgrade("market", url)
        yield url
    finally:
        process.kill()
        process.communicate()


async def _create_roles(port: int) -> None:
    address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    connection = await asyncpg.connect(address, ssl=False, statement_cache_size=0)
    for role in ROLES:
        await connection.execute(f"CREATE ROLE market_{role}")
    await connection.close()
