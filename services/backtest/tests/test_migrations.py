"""What people have written survives the change to documents, whoever owns it."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio
from backtest.domain import document
from backtest.domain.strategy import Rules
from kit.ids import new_id
from kit.migrate import upgrade
from kit.testing.databases import TestDatabase

from services.backtest.tests.builders import rules


def at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest_asyncio.fixture
async def before(fresh: TestDatabase) -> AsyncIterator[tuple[str, str]]:
    """The addresses (administrator, owning role) of a database as it was before there were documents."""
    name = f"{fresh.name}_before"
    admin = await asyncpg.connect(fresh.admin_url)
    await admin.execute(f"CREATE DATABASE {name} OWNER backtest_owner")
    await asyncio.to_thread(upgrade, "backtest", at(fresh.owner_url, name), "0001")
    yield at(fresh.admin_url, name), at(fresh.owner_url, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def write(admin: asyncpg.Connection, owner: UUID, stop_loss: str | None) -> UUID:
    strategy = new_id()
    said = "'rsi(14) < 45 and sma(20) > sma(50)', 'rsi(14) > 70', $3::text::numeric"
    asked = "'backtest', 'queued', '005930', 'KRX', NULL, NULL, 1000"
    rows = (
        f"INSERT INTO strategies VALUES ($1, $2, 'n', '', {said}, now(), now())",
        f"INSERT INTO strategy_versions VALUES ($1, 1, $2, 'n', '', {said}, now())",
        f"INSERT INTO runs VALUES (gen_random_uuid(), $2, $1, {asked}, {said}, NULL, NULL, 0, 1, NULL, NULL, now())",
    )
    for row in rows:
        await admin.execute(row, strategy, owner, stop_loss)
    return strategy


async def test_strategies_versions_and_runs_become_documents_that_say_the_same(before: tuple[str, str]) -> None:
    admin = await asyncpg.connect(before[0])
    expected: dict[UUID, Rules] = {}
    for stop_loss in ("0.0500", None):
        expected[await write(admin, uuid4(), stop_loss)] = rules(stop_loss=stop_loss)
    await asyncio.to_thread(upgrade, "backtest", before[1])
    for table, key in (("strategies", "id"), ("strategy_versions", "strategy_id"), ("runs", "strategy_id")):
        found = await admin.fetch(f"SELECT {key} AS strategy, document FROM {table}")
        assert {row["strategy"]: document.read(json.loads(row["document"])) for row in found} == expected
        for row in found:
            assert json.loads(row["document"]) == document.write(expected[row["strategy"]])
    await admin.close()


async def test_what_the_code_before_chunks_wrote_is_still_taken(fresh: TestDatabase) -> None:
    """A rolling deployment: processes of the version before write beside those of this one."""
    admin = await asyncpg.connect(fresh.admin_url)
    run, owner, document_of_rules = new_id(), uuid4(), json.dumps(document.write(rules()))
    await admin.execute(
        "INSERT INTO runs (id, owner_id, kind, status, symbol, market, initial_cash, document, engine, done, total,"
        " requested_at, finished_at)"
        " VALUES ($1, $2, 'backtest', 'done', '005930', 'KRX', 1000, $3, 'compiled', 1, 1, now(), now())",
        *(run, owner, document_of_rules),
    )
    await admin.execute(
        "INSERT INTO results (run_id, owner_id, fingerprint, board, kind, currency, bars, first_date, last_date,"
        " metrics, costs, unfilled, dates, equity)"
        " VALUES ($1, $2, repeat('0', 64), 'KOSPI', 'stock', 'KRW', 2, '2024-01-02', '2024-01-03', '{}', 0, 0,"
        " ARRAY['2024-01-02', '2024-01-03']::date[], ARRAY[1000, 1001])",
        *(run, owner),
    )
    kept = await admin.fetchrow("SELECT search, details FROM runs JOIN results ON run_id = id WHERE id = $1", run)
    assert (kept["search"], kept["details"]) == (None, "{}")
    await admin.close()
