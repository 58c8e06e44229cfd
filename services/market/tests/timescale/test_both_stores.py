"""The same statements on hypertables and on partitions give the same rows; and what only TimescaleDB does, works."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest_asyncio
from kit.db import Database
from market.domain.adjustment import Adjustment
from market.domain.minute import Minute
from market.store import actions, bars, charts, minutes, panels
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

BEGIN = datetime(2024, 12, 12, 0, 0, tzinfo=UTC)
DAYS = (date(2015, 12, 30), date(2024, 12, 12), date(2024, 12, 13), date(2024, 12, 16))
INTERVALS = tuple(charts.STATEMENTS)
SPAN = (date(2024, 11, 20), date(2024, 12, 20))


@pytest_asyncio.fixture
async def hypertables(timescale_url: str) -> AsyncIterator[AsyncConnection]:
    """One connection to TimescaleDB, the only one it takes at a time."""
    engine = create_async_engine(timescale_url, connect_args={"statement_cache_size": 0}, pool_size=1, max_overflow=0)
    try:
        async with engine.connect() as connection, connection.begin() as transaction:
            yield connection
            await transaction.rollback()
    finally:
        await engine.dispose()


@asynccontextmanager
async def filled(session: AsyncConnection) -> AsyncIterator[AsyncConnection]:
    """The same bars, minutes and split wherever they are."""
    values = {
        "symbols": ["005930"] * 4 + ["000660"],
        "days": [*DAYS, DAYS[1]],
        "prices": [Decimal(price) for price in ("2500000.5", "50000", "51000", "52000", "170000")],
        "halted": [False, False, False, False, True],
    }
    await session.execute(
        text(
            """
            INSERT INTO bars SELECT s, d, CASE WHEN h THEN 0 ELSE p END, CASE WHEN h THEN 0 ELSE p + 100 END,
                                    CASE WHEN h THEN 0 ELSE p - 100 END, p, 1000, h, 'test'
              FROM unnest(CAST(:symbols AS text[]), CAST(:days AS date[]), CAST(:prices AS numeric[]),
                          CAST(:halted AS boolean[])) one (s, d, p, h)
            """
        ),
        values,
    )
    instrument = (
        "INSERT INTO instruments (symbol, market, board, kind, currency, name, first_day, last_day)"
        " VALUES ('005930', 'KRX', 'KOSPI', 'stock', 'KRW', '삼성전자', '2015-12-30', '2024-12-16')"
    )
    await session.execute(text(instrument))
    await actions.save_adjustments(
        session, "005930", [Adjustment(date(1900, 1, 1), date(2018, 5, 3), Decimal("0.02"), Decimal(50))]
    )
    await minutes.save(session, [minute(place) for place in range(200)])
    yield session


def minute(place: int, source: str = "kis", close: int | None = None) -> Minute:
    price = Decimal(50_000 + place % 17 * 100)
    last = price if close is None else Decimal(close)
    high, low = max(price, last) + 100, min(price, last) - 100
    start = (BEGIN + timedelta(minutes=place)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Minute("bar:1m", "005930", "KRX", start, price, high, low, last, place, place, True, source)


async def read(session: AsyncConnection) -> dict[str, Any]:
    """Everything the product asks of bars, answered."""
    answers: dict[str, Any] = {}
    for interval in INTERVALS:
        for adjusted in (True, False):
            span = (date(2015, 1, 1), SPAN[1]) if interval in {"1d", "1w", "1M"} else SPAN
            found = await charts.find_chart(session, "005930", interval, span, adjusted=adjusted, bars_max=10_000)
            answers[f"{interval} {adjusted}"] = json.loads(found)
    answers["series"] = json.loads(await bars.find_series(session, ["005930", "000660"], date.min, date.max))
    answers["day"] = await bars.find_day(session, ["005930", "000660"], DAYS[2])
    answers["newest"] = await panels.find_newest_day(session, "KRX", DAYS[2], date(2024, 1, 1))
    staged = text(
        "INSERT INTO bars_staging SELECT symbol, day, open, high, low, close + 1, volume, halted, source FROM bars"
        " WHERE day = '2024-12-13' UNION ALL"
        " SELECT '005930', '2024-12-17', 1, 2, 1, 2, 5, false, 'test'"
    )
    await session.execute(staged)
    span = {"first": DAYS[0], "last": date(2024, 12, 17)}
    answers["updated"] = (await session.execute(bars.UPDATE_CHANGED, span)).rowcount
    answers["inserted"] = (await session.execute(bars.INSERT_NEW)).rowcount
    answers["again"] = len(await minutes.save(session, [minute(3), minute(4, "replay"), minute(500)]))
    return answers


async def test_every_question_is_answered_alike(hypertables: AsyncConnection, database: Database) -> None:
    async with filled(hypertables) as session:
        ours = await read(session)
    async with database.system() as session, filled(session) as other:
        plain = await read(other)
    assert ours == plain
    assert ours["1d True"][0]["close"] == "50000.01"
    assert [len(ours[f"{interval} True"]) for interval in ("1m", "5m", "15m", "1h")] == [200, 40, 14, 4]
    assert (ours["updated"], ours["inserted"], ours["again"]) == (1, 1, 1)


async def test_bars_and_minutes_are_hypertables_with_chunks_of_a_year_and_a_week(hypertables: AsyncConnection) -> None:
    async with filled(hypertables) as session:
        found = await session.execute(
            text("SELECT hypertable_name, num_chunks FROM timescaledb_information.hypertables ORDER BY 1")
        )
        assert {row.hypertable_name: row.num_chunks for row in found} == {"bars": 2, "minute_bars": 1}


async def test_compressed_minutes_are_still_read_alike_and_late_ones_join_them(hypertables: AsyncConnection) -> None:
    async with filled(hypertables) as session:
        before = await charts.find_chart(session, "005930", "1m", SPAN, adjusted=False, bars_max=10_000)
        done = await session.execute(text("SELECT count(compress_chunk(c)) FROM show_chunks('minute_bars') c"))
        assert done.scalar_one() == 1
        packed = text("SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed")
        assert await session.scalar(packed) == 1
        assert await charts.find_chart(session, "005930", "1m", SPAN, adjusted=False, bars_max=10_000) == before
        assert len(await minutes.save(session, [minute(700)])) == 1
        after = json.loads(await charts.find_chart(session, "005930", "1m", SPAN, adjusted=False, bars_max=10_000))
        assert len(after) == len(json.loads(before)) + 1


async def test_the_policies_are_there_and_retention_drops_what_is_too_old(hypertables: AsyncConnection) -> None:
    async with filled(hypertables) as session:
        found = await session.execute(
            text("SELECT proc_name, job_id FROM timescaledb_information.jobs WHERE hypertable_name = 'minute_bars'")
        )
        jobs = {row.proc_name: row.job_id for row in found}
        assert set(jobs) == {"policy_compression", "policy_retention"}
        old = "INSERT INTO minute_bars VALUES ('005930', now() - interval '6 years', 1, 1, 1, 1, 1, 'test')"
        await session.execute(text(old))
        chunks = text("SELECT count(*) FROM show_chunks('minute_bars')")
        before = await session.scalar(chunks)
        await session.execute(text("SELECT drop_chunks('minute_bars', older_than => INTERVAL '5 years')"))
        assert await session.scalar(chunks) == before - 1
        assert await session.scalar(text("SELECT count(*) FROM minute_bars WHERE at < now() - interval '5 years'")) == 0
        assert await session.scalar(text("SELECT count(*) FROM minute_bars")) == 200


async def test_a_continuous_aggregate_says_what_our_grouping_says(timescale_url: str) -> None:
    engine = create_async_engine(
        timescale_url, connect_args={"statement_cache_size": 0}, isolation_level="AUTOCOMMIT", pool_size=1
    )
    hours = """
        CREATE MATERIALIZED VIEW hours WITH (timescaledb.continuous) AS
        SELECT symbol, time_bucket(INTERVAL '1 hour', at) AS hour, first(open, at) AS open, max(high) AS high,
               min(low) AS low, last(close, at) AS close, sum(volume) AS volume
          FROM minute_bars GROUP BY 1, 2 WITH NO DATA
    """
    try:
        async with engine.connect() as session:
            await minutes.save(session, [minute(place) for place in range(200)])
            await session.execute(text(hours))
            for corrected in (None, 49_000):
                if corrected is not None:  # a late correction reaches the aggregate with the next refresh
                    await session.execute(text("UPDATE minute_bars SET close = 49000, low = 48900 WHERE volume = 59"))
                await session.execute(text("CALL refresh_continuous_aggregate('hours', NULL, NULL)"))
                found = await session.execute(text("SELECT * FROM hours ORDER BY hour"))
                rolled = [
                    [str(row.hour.hour), *(format(row[name], "f") for name in range(2, 7))] for row in found.fetchall()
                ]
                ours = json.loads(
                    await charts.find_chart(session, "005930", "1h", SPAN, adjusted=False, bars_max=10_000)
                )
                names = ("open", "high", "low", "close", "volume")
                assert rolled == [[str(int(one["time"][11:13])), *(str(one[name]) for name in names)] for one in ours]
            await session.execute(text("DROP MATERIALIZED VIEW hours"))
            await session.execute(text("TRUNCATE minute_bars"))
    finally:
        await engine.dispose()
