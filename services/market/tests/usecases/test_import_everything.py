"""The whole of the real Korean prices beside the checkout is imported, and the report tells the truth about them."""

import csv
import tarfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from kit.db import Database
from sqlalchemy import text

Upload = Callable[..., Awaitable[httpx.Response]]
FILES_A_TIME = 1_000


@pytest.fixture
def boards(reference_data: Path) -> dict[str, str]:
    """The board of each symbol as the exchange's list has it."""
    with (reference_data / "kr_listing" / "listing_krx_2026-03-20.csv").open(encoding="utf-8-sig") as lines:
        return {row["Code"]: row["Market"].split()[0] for row in csv.DictReader(lines)}


@pytest.fixture
def everything(reference_data: Path) -> dict[str, bytes]:
    """The 2,761 files of the archive, by name."""
    found: dict[str, bytes] = {}
    with tarfile.open(reference_data / "kr_daily" / "all_2761_symbols_2023-12_2025-06.tar.gz") as archive:
        for member in archive:
            if member.name.endswith(".csv"):
                content = archive.extractfile(member)
                assert content is not None
                found[Path(member.name).name] = content.read()
    return found


@pytest.mark.timeout(400)
async def test_a_whole_market_is_imported_and_what_is_peculiar_about_it_is_told(
    upload: Upload, everything: dict[str, bytes], boards: dict[str, str], database: Database
) -> None:
    rows = sum(content.count(b"\n") - 1 for content in everything.values())
    zeros = sum(line.split(b",")[1:4] == [b"0"] * 3 for content in everything.values() for line in content.splitlines())
    imported, told = Counter[str](), Counter[str]()
    days: set[str] = set()
    for board in ("KOSPI", "KOSDAQ"):
        names = [name for name in everything if boards.get(name.removesuffix(".csv"), "KOSPI") == board]
        for begin in range(0, len(names), FILES_A_TIME):
            files = {name: everything[name] for name in names[begin : begin + FILES_A_TIME]}
            answer = await upload(files, board=board, adjustment="adjusted", source="quant")
            report = answer.json()
            assert answer.status_code == 201, report
            imported.update({name: report[name] for name in ("rows", "inserted", "symbols", "bad_count")})
            told.update({finding["code"]: finding["rows"] for finding in report["findings"]})
            captured = [one["examples"] for one in report["findings"] if one["code"] == "mid_session_capture"]
            days |= {example.split()[1] for examples in captured for example in examples}
    assert (rows, len(everything)) == (986_298, 2_761)
    assert imported == {"rows": rows, "inserted": rows, "symbols": 2_761, "bad_count": 0}
    assert told["halted_day"] == zeros == 29_739
    assert told["untraded_day"] == 756, "a price four times and no volume: filled in by the source, or nobody traded"
    assert told["off_grid"] == 38_396, "adjusted history lies between the lines"
    assert told["order_of_prices"] == 85, "rounding put a close a won outside"
    assert (days, told["mid_session_capture"] > 2_500) == ({"2025-06-17"}, True), "the last day was captured early"
    assert told["hundredfold"] == told["no_session"] == told["unfinished_day"] == 0
    async with database.public() as session:
        stored = (
            await session.execute(text("SELECT count(*), count(*) FILTER (WHERE halted), max(day)::text FROM bars"))
        ).one()
        adjusted = await session.scalar(text("SELECT count(*) FROM instruments WHERE adjustment = 'adjusted'"))
    assert tuple(stored) == (rows, zeros, "2025-06-17")
    assert adjusted == 2_761


@pytest.mark.timeout(200)
async def test_thirty_large_caps_over_a_quarter_of_a_century_are_imported_and_told(
    upload: Upload, large_caps: dict[str, bytes]
) -> None:
    report = (await upload(large_caps, adjustment="adjusted")).json()
    told = {finding["code"]: finding["rows"] for finding in report["findings"]}
    zeros = sum(line.split(b",")[1:4] == [b"0"] * 3 for content in large_caps.values() for line in content.splitlines())
    assert (report["rows"], report["bad_count"]) == (144_165, 0)
    assert told["halted_day"] == zeros > 100
    assert told["order_of_prices"] == 1_538
    assert {"off_grid"} <= set(told)
