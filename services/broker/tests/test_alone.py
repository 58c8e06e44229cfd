"""One worker does it for all: its right is a connection that stays open, however long nothing is said on it."""

import asyncio
from typing import Final

import asyncpg
from broker.alone import run_alone
from kit.testing.databases import TestDatabase

SILENCE_SECONDS: Final = 0.3


async def test_who_holds_the_right_in_silence_keeps_it_where_a_server_ends_idle_sessions(fresh: TestDatabase) -> None:
    admin = await asyncpg.connect(fresh.admin_url)
    database = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE {database} SET idle_session_timeout = '{SILENCE_SECONDS * 1000:.0f}ms'")
    held = await asyncpg.connect(fresh.system_url.replace("+asyncpg", ""))
    works = asyncio.Event()

    async def work() -> None:
        works.set()
        try:
            await asyncio.Event().wait()
        finally:
            works.clear()

    working = asyncio.ensure_future(run_alone(fresh.system_url, "silence", work))
    try:
        await asyncio.sleep(4 * SILENCE_SECONDS)
        assert held.is_closed(), "the server does end who says nothing"
        assert works.is_set()
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await admin.close()
