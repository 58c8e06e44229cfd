"""Importing bars into a real database: all or nothing, again and again, into partitions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from kit.db import Database
from sqlalchemy import text

Upload = Callable[..., Awaitable[httpx.Response]]
BarsCsv = Callable[..., bytes]

TWO_DAYS = ("2024-12-12,100,120,90,110,1000,", "2024-12-13,110,130,100,120,2000,")


async def stored(
    database: Database, columns: str = "symbol, day::text, close::text, volume, halted, source"
) -> list[Any]:
    async with database.public() as session:
        found = await session.execute(text(f"SELECT {columns} FROM bars ORDER BY symbol, day"))
        return [tuple(row) for row in found]


async def test_bars_and_instruments_are_stored_and_announced(
    upload: Upload, bars_csv: BarsCsv, database: Database
) -> None:
    answer = await upload({"005930.csv": bars_csv(*TWO_DAYS)}, source="krx", names='{"005930.KS": "삼성전자"}')

    assert answer.status_code == 201
    report = answer.json()
    assert (report["rows"], report["inserted"], report["symbols"]) == (2, 2, 1)
    assert (report["first_day"], report["last_day"], report["bad"]) == ("2024-12-12", "2024-12-13", [])
    assert await stored(database) == [
        ("005930", "2024-12-12", "110", 1000, False, "krx"),
        ("005930", "2024-12-13", "120", 2000, False, "krx"),
    ]
    async with database.system() as session:
        instrument = (await session.execute(text("SELECT name, currency, first_day::text FROM instruments"))).one()
        event = (await session.execute(text("SELECT type, subject, data FROM events"))).one()
    assert tuple(instrument) == ("삼성전자", "KRW", "2024-12-12")
    assert (event.type, event.subject) == ("market.bars.imported.v1", report["id"])
    assert event.data == {"import_id": report["id"], "source": "krx", "symbols": 1, "rows": 2}


async def test_an_index_is_imported_under_its_name_off_every_grid(
    upload: Upload, bars_csv: BarsCsv, database: Database
) -> None:
    answer = await upload({"KOSPI.csv": bars_csv("2026-01-02,4224.53,4313.55,4216.68,4309.63,406339246,0.0227")})
    assert answer.status_code == 201, answer.text
    assert await stored(database, "symbol, close::text") == [("KOSPI", "4309.63")]


async def test_one_bad_row_in_many_files_keeps_everything_out(
    upload: Upload, bars_csv: BarsCsv, database: Database
) -> None:
    bad = bars_csv(TWO_DAYS[0], "2024-12-13,110,90,100,95,2000,")

    answer = await upload({"005930.csv": bars_csv(*TWO_DAYS), "000660.csv": bad})

    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["code"], problem["bad_count"]) == ("bad_rows", 1)
    assert problem["errors"] == [
        {"field": "000660.csv:3", "message": "high 90 is below low 100", "code": "high_below_low"}
    ]
    assert await stored(database) == []


async def test_skip_bad_imports_the_rest_and_reports_what_was_left_out(
    upload: Upload, bars_csv: BarsCsv, database: Database
) -> None:
    answer = await upload({"005930.csv": bars_csv("nonsense", *TWO_DAYS), "x.txt": b"hello"}, skip_bad="true")

    report = answer.json()
    assert (answer.status_code, report["rows"], report["bad_count"]) == (201, 2, 2)
    assert {(row["file"], row["line"]) for row in report["bad"]} == {("x.txt", 1), ("005930.csv", 2)}
    assert len(await stored(database)) == 2


async def test_nothing_good_left_is_an_error_even_with_skip_bad(upload: Upload, bars_csv: BarsCsv) -> None:
    answer = await upload({"005930.csv": bars_csv("nonsense")}, skip_bad="true")

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_rows")


async def test_importing_again_updates_what_differs_and_leaves_the_rest_alone(
    upload: Upload, bars_csv: BarsCsv, database: Database
) -> None:
    await upload({"005930.csv": bars_csv(*TWO_DAYS)}, names='{"005930": "삼성전자"}')
    before = await stored(database, "ctid, xmin, day::text")
    corrected = "2024-12-13,110,130,100,125.5,2000,"

    answer = await upload(
        {"005930.csv": bars_csv(TWO_DAYS[0], corrected, "2024-12-16,1,2,1,2,3,"), "000660.csv": bars_csv(TWO_DAYS[0])}
    )

    report = answer.json()
    assert [report[name] for name in ("rows", "inserted", "updated", "unchanged")] == [4, 2, 1, 1]
    rows = await stored(database)
    assert [row[2] for row in rows if row[0] == "005930"] == ["110", "125.5", "2"]
    assert before[0] in await stored(database, "ctid, xmin, day::text")
    async with database.public() as session:
        names = await session.execute(text("SELECT symbol, name, last_day::text FROM instruments ORDER BY symbol"))
        assert [tuple(row) for row in names] == [
            ("000660", "000660", "2024-12-12"),
            ("005930", "삼성전자", "2024-12-16"),
        ]


async def test_two_imports_of_the_same_new_symbol_at_once_both_succeed(
    upload: Upload, bars_csv: BarsCsv, database: Database
) -> None:
    answers = await asyncio.gather(*(upload({"005930.csv": bars_csv(*TWO_DAYS)}) for _ in range(4)))

    assert [answer.status_code for answer in answers] == [201] * 4
    assert sum(answer.json()["inserted"] for answer in answers) == 2
    assert sum(answer.json()["unchanged"] for answer in answers) == 6


async def test_bars_lie_in_the_partition_of_their_year_or_in_the_one_for_others(
    upload: Upload, bars_csv: BarsCsv, database: Database
) -> None:
    rows = [f"{day},1,2,1,2,10," for day in ("1975-01-02", "1985-01-02", "1999-12-28", "2000-01-04", "2024-12-13")]
    await upload({"005930.csv": bars_csv(*rows)})

    assert [row[0] for row in await stored(database, "tableoid::regclass::text")] == [
        "bars_other",
        "bars_1980",
        "bars_1990",
        "bars_2000",
        "bars_2024",
    ]


async def test_the_database_itself_refuses_what_no_bar_can_be(database: Database) -> None:
    async with database.system() as session:
        found = await session.execute(
            text("SELECT conname FROM pg_constraint WHERE conrelid = 'bars'::regclass AND contype = 'c'")
        )
        assert [row.conname for row in found] == ["bars_sane"]


UNUSABLE_FIELDS = [
    ({"market": "MARS"}, "market"),
    ({"board": "US"}, "body"),
    ({"source": "../../etc"}, "source"),
    ({"names": "not json"}, "names"),
    ({"names": '{"005930": ""}'}, "names.005930"),
    ({"names": '{"!": "x"}'}, "names.!.[key]"),
    ({"skip_bad": "perhaps"}, "skip_bad"),
    ({"surprise": "1"}, "surprise"),
]


@pytest.mark.requirement("R-35")
async def test_a_field_that_cannot_be_used_is_named(upload: Upload, bars_csv: BarsCsv) -> None:
    for fields, field in UNUSABLE_FIELDS:
        answer = await upload({"005930.csv": bars_csv(*TWO_DAYS)}, **fields)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "invalid_request"), fields
        assert [error["field"] for error in problem["errors"]] == [field], fields


async def test_an_upload_without_files_and_one_with_too_many_are_refused(
    admin: httpx.AsyncClient, upload: Upload, bars_csv: BarsCsv
) -> None:
    without = await admin.post("/api/v1/market/imports", data={"market": "KRX", "board": "KOSPI"})
    many = await upload({f"{number}.csv": b"" for number in range(1_001)})
    no_form = await admin.post("/api/v1/market/imports", json={})

    assert (without.status_code, without.json()["code"]) == (422, "bad_upload")
    assert (many.status_code, many.json()["detail"]) == (400, "Too many files. Maximum number of files is 1000.")
    assert (no_form.status_code, no_form.json()["code"]) == (422, "bad_upload")


@pytest.mark.requirement("R-35")
async def test_a_stranger_is_turned_away_before_the_upload_is_read(anonymous: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        for _ in range(64):
            read += 1
            yield b"x" * 65_536

    answer = await anonymous.post(
        "/api/v1/market/imports", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=b"}
    )

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_more_than_sixty_four_mebibytes_are_refused_unread(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/api/v1/market/imports", content=b"", headers={"Content-Length": str((64 << 20) + 1)})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_the_large_caps_are_imported_whole(
    upload: Upload, large_caps: dict[str, bytes], database: Database
) -> None:
    report = (await upload(large_caps)).json()

    assert (report["rows"], report["inserted"], report["symbols"]) == (144_165, 144_165, 30)
    async with database.public() as session:
        row = (await session.execute(text("SELECT count(*), count(*) FILTER (WHERE halted) AS halted FROM bars"))).one()
    assert row.count == 144_165
    assert row.halted > 100
