"""Daily bars: how fast they are stored, and how soon ten years of them are shown.

`bar_ingest`: a million rows uploaded through the gateway as an admin uploads them: read, judged, looked through for
what is peculiar, and stored in one transaction. The storing is measured against a bare COPY of the same rows into a
table of the same shape on the same server, taken before and after; the whole upload is told beside it. `chart_query`:
2,520 daily bars of one symbol through TLS gateway and token check, each symbol for the first time, then again.

Alone: `python -m benchmarks.bars FOLDER BASE GATEWAY GATEWAY_HTTP` on a stack that runs.
"""

import asyncio
import io
import math
import sys
import time
from datetime import date, timedelta
from typing import Any

import asyncpg
import numpy as np
import polars as pl

from benchmarks.load import Connection, Measured
from benchmarks.results import Result, publish, result
from tools import cli
from tools.native import credentials
from tools.native.layout import ROOT, Layout
from tools.people import Admin

SYMBOLS = 400
DAYS = 2_520
LAST = date(2025, 11, 28)
SEED = 20_251_128
COLUMNS = ("symbol", "day", "open", "high", "low", "close", "volume", "halted", "source")
BARE_TABLE = """
    DROP TABLE IF EXISTS bare_bars;
    CREATE TABLE bare_bars (
        symbol text COLLATE "C" NOT NULL, day date NOT NULL, open numeric NOT NULL, high numeric NOT NULL,
        low numeric NOT NULL, close numeric NOT NULL, volume bigint NOT NULL, halted boolean NOT NULL,
        source text NOT NULL, PRIMARY KEY (symbol, day))
"""
UPLOAD_SECONDS_MAX = 600
CHART_SYMBOLS = 80


def invented(symbols: int, first: int = 0) -> pl.DataFrame:
    """Random walks on the tick grid over weekdays, the same every time, sorted by symbol and day."""
    random = np.random.default_rng(SEED)
    days = [day for back in range(DAYS * 7 // 5 + 7) if (day := LAST - timedelta(days=back)).weekday() < 5][:DAYS][::-1]
    close = np.exp(random.normal(scale=0.01, size=(symbols, DAYS)).cumsum(axis=1)) * 300
    ticks = np.maximum(close.astype(np.int64), 10) * 100
    up, down = (random.integers(0, 5, size=close.shape) * 100 for _ in range(2))
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"{place:06d}" for place in range(first, first + symbols)], DAYS),
            "day": pl.Series(days * symbols, dtype=pl.Date),
            "open": ticks.ravel(),
            "high": (ticks + up).ravel(),
            "low": (ticks - np.minimum(down, ticks - 100)).ravel(),
            "close": ticks.ravel(),
            "volume": random.integers(1_000, 1_000_000, size=close.size),
        }
    )


def files_of(rows: pl.DataFrame) -> list[tuple[str, tuple[str, bytes]]]:
    """One CSV file for each symbol, as an admin has them."""
    names = {"day": "Date"} | {name: name.title() for name in ("open", "high", "low", "close", "volume")}
    return [
        ("files", (f"{symbol}.csv", part.drop("symbol").rename(names).write_csv().encode()))
        for (symbol,), part in rows.group_by("symbol", maintain_order=True)
    ]


async def upload(operator: Admin, rows: pl.DataFrame) -> tuple[float, dict[str, Any]]:
    """Import rows as an admin does; return the seconds until the report came, and the report."""
    files = await asyncio.to_thread(files_of, rows)
    form = {"market": "KRX", "board": "KOSPI", "source": "bench"}
    began = time.perf_counter()
    answer = await operator.http.post("/market/imports", data=form, files=files, timeout=UPLOAD_SECONDS_MAX)
    taken = time.perf_counter() - began
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert report["inserted"] == rows.height, report
    return taken, report


async def bare_copy(url: str, rows: pl.DataFrame) -> float:
    """COPY the same rows into an empty table of the same shape; return the seconds, commit included."""
    body = (
        rows.with_columns(halted=pl.lit(value=False), source=pl.lit("bench")).write_csv(include_header=False).encode()
    )
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(BARE_TABLE)
        began = time.perf_counter()
        async with connection.transaction():
            await connection.copy_to_table("bare_bars", source=io.BytesIO(body), columns=COLUMNS, format="csv")
        return time.perf_counter() - began
    finally:
        await connection.execute("DROP TABLE bare_bars")
        await connection.close()


def address_of(layout: Layout) -> str:
    """Market's database, as the operator of the server reaches it."""
    passwords = credentials.open_passwords(layout)
    server = credentials.Addresses.native(layout).postgres
    url = credentials.postgres_url(passwords, server, name=credentials.database("market"))
    return url.replace("postgresql+asyncpg", "postgresql")


async def ask_each(layout: Layout, token: str, years: int, symbols: list[str]) -> Measured:
    """Ask the chart of each symbol once, one after another, on one kept connection."""
    connection = await Connection.open(layout.ports.gateway, cli.gateway_of(layout).trust)
    measured, first = Measured(), LAST - timedelta(days=round(years * 365.25))
    began = time.perf_counter()
    for symbol in symbols:
        asked = time.perf_counter()
        status, body = await connection.get(f"/api/v1/market/charts/{symbol}?from={first}&to={LAST}", token)
        assert status == 200, body
        measured.seconds.append(time.perf_counter() - asked)
    measured.elapsed = time.perf_counter() - began
    connection.close()
    return measured


async def measure(layout: Layout) -> list[Result]:
    """Store a million rows, and a tenth of them, each beside a bare COPY; then show them."""
    operator = await cli.admin_for_demo(cli.gateway_of(layout), layout)
    try:
        rows, tenth = invented(SYMBOLS), invented(SYMBOLS // 10, first=900_000)
        url = address_of(layout)
        before = await bare_copy(url, rows)
        small, _ = await upload(operator, tenth)
        whole, report = await upload(operator, rows)
        bare = (before + await bare_copy(url, rows)) / 2
        symbols = [f"{place:06d}" for place in range(CHART_SYMBOLS)]
        warm_up = [f"{place:06d}" for place in range(CHART_SYMBOLS, CHART_SYMBOLS + 20)]
        await ask_each(layout, operator.token, 10, warm_up)  # connections and plans, not these symbols
        cold = await ask_each(layout, operator.token, 10, symbols)
        cached = await ask_each(layout, operator.token, 10, symbols)
        year = await ask_each(layout, operator.token, 1, symbols)
    finally:
        await operator.leave()
    per_second = rows.height / bare
    return [
        result("bar_ingest", rows.height / report["store_seconds"], "bars/s", per_second),
        result("bar_ingest_upload", rows.height / whole, "bars/s", per_second),
        result("bar_ingest_exponent", math.log10(whole / small), "exponent"),
        result("chart_query_cold_p95", cold.percentile(0.95), "ms"),
        result("chart_query_cold_p50", cold.percentile(0.50), "ms"),
        result("chart_query_cached_p95", cached.percentile(0.95), "ms"),
        result("chart_query_cached_p50", cached.percentile(0.50), "ms"),
        result("chart_query_exponent", math.log10(cold.percentile(0.5) / year.percentile(0.5)), "exponent"),
    ]


def store_and_show(layout: Layout) -> list[Result]:
    """Run `measure`."""
    return asyncio.run(measure(layout))


if __name__ == "__main__":
    from tools.native.ports import Ports

    base, gateway, gateway_http = map(int, sys.argv[2:5])
    publish(store_and_show(Layout(ROOT / sys.argv[1], Ports(base, gateway, gateway_http))), "some")
