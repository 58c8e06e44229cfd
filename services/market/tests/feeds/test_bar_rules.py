"""Reading and judging files of bars: what is accepted, and what every bad row is told."""

import io
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from market.feeds import bar_rules
from market.feeds.bar_files import BarFile
from market.feeds.bar_rules import BarSheet, read_bars

TODAY = date(2024, 12, 16)
BarsCsv = Callable[..., bytes]


def read(*files: tuple[str, bytes]) -> BarSheet:
    return read_bars([BarFile(name, content) for name, content in files], "KRX", TODAY)


GOOD = "2024-12-13,100,120,90,110,1000,0.1"


@pytest.mark.parametrize(
    ("row", "code", "reason"),
    [
        ("2024-13-01,1,2,1,2,10,", "bad_date", "date 2024-13-01 is not a day such as 2024-12-16"),
        ("20241213,1,2,1,2,10,", "bad_date", "date 20241213 is not a day such as 2024-12-16"),
        ("1899-12-31,1,2,1,2,10,", "bad_date", "date 1899-12-31 is before 1950-01-01"),
        ("2024-12-17,1,2,1,2,10,", "future_date", "date 2024-12-17 is in the future"),
        ("2024-12-12,abc,2,1,2,10,", "not_a_number", "open abc is not a number"),
        ("2024-12-12,1,NaN,1,2,10,", "not_a_number", "high NaN is not a number"),
        ("2024-12-12,1,2,1,1e99,10,", "not_a_number", "close 1e99 is not a number"),
        ("2024-12-12,1,2,1,-2,10,", "negative", "close -2 is negative"),
        ("2024-12-12,1,2,1,2,-10,", "negative", "volume -10 is negative"),
        ("2024-12-12,1,2,1,2,1.5,", "not_whole", "volume 1.5 is not a whole number"),
        ("2024-12-12,1,9999999999999,1,2,10,", "too_large", "high 9999999999999 is larger than 1000000000000"),
        ("2024-12-12,1,2,1,2,9999999999999999999999,", "too_large", None),
        ("2024-12-12,1,2,3,2,10,", "high_below_low", "high 2 is below low 3"),
        ("2024-12-12,0,0,0,0,0,", "zero_price", "close is zero"),
        ("2024-12-12,0,2,1,2,10,", "zero_price", "open, high and low are zero together (a halted day) or not at all"),
        ("2024-12-13,1,2,1,2,10,", "duplicate_day", "a second row for 005930 on 2024-12-13"),
        ("2024-12-12,1,2,1,,10,", "missing_value", "close is missing"),
        ("2024-12-12,1,2", "missing_value", "low is missing"),
        ("2024-12-12,1,2,1,2,10,0,0", "too_many_fields", "has more fields than the header"),
        ("2024-12-12,70,100,70,100,70,000,70,000,10,", "too_many_fields", None),
    ],
)
def test_a_bad_row_is_reported_with_its_file_its_line_and_the_reason(
    bars_csv: BarsCsv, row: str, code: str, reason: str | None
) -> None:
    sheet = read(("005930.csv", bars_csv(GOOD, row)))

    assert [(bad.file, bad.line, bad.code) for bad in sheet.bad] == [("005930.csv", 3, code)]
    assert reason is None or sheet.bad[0].reason == reason
    assert sheet.bad_count == 1
    assert sheet.rows.height == 1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("005930.csv", b"", "the header lacks"),
        ("005930.csv", b"Date,Open,High,Low,Close,Volume\n", "has a header and no rows"),
        ("005930.csv", b"Date,Open,High,Close,Volume\n2024-12-13,1,1,1,1\n", "the header lacks low"),
        ("005930.csv", b"Date,Open,High,Low,Close,Volume,OPEN\n2024-12-13,1,1,1,1,1,1\n", "names open twice"),
        ("005930.csv", "날짜,시가".encode("cp949") + b"\n1,2\n", "cannot be read as CSV (UTF-8) or Parquet"),
        ("005930.parquet", b"PAR1 and then nothing that makes sense", "cannot be read as CSV (UTF-8) or Parquet"),
        ("005930.csv", b"\x00" * 5_000, "the header lacks"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_bad_row_and_no_crash(name: str, content: bytes, reason: str) -> None:
    sheet = read((name, content))

    assert sheet.bad_count == 1
    assert sheet.bad[0].code == "unreadable_file"
    assert reason in sheet.bad[0].reason


def test_headers_in_any_case_and_order_with_bom_quotes_and_blank_lines_are_read(bars_csv: BarsCsv) -> None:
    header = '"close",OPEN,high,Low,Adj Close,volume,Date'
    content = b"\xef\xbb\xbf" + bars_csv(
        "110,100,120, 90 ,1,1000,2024-12-13", "", '"5","4","6","3","x","7","2024-12-12"', header=header
    )

    sheet = read(("KRX:005930.csv", content.replace(b"\n", b"\r\n")))

    assert sheet.bad == ()
    assert sheet.rows.rows() == [
        ("005930", date(2024, 12, 12), 4, 6, 3, 5, 7, False),
        ("005930", date(2024, 12, 13), 100, 120, 90, 110, 1000, False),
    ]


def test_line_numbers_count_blank_lines_too(bars_csv: BarsCsv) -> None:
    sheet = read(("005930.csv", bars_csv(GOOD, "", "", "2024-12-12,x,2,1,2,10,")))

    assert sheet.bad[0].line == 5


def test_a_symbol_column_wins_over_the_name_of_the_file_and_is_normalised() -> None:
    rows = b"symbol,Date,Open,High,Low,Close,Volume\n"
    rows += b"005930.KS,2024-12-13,1,2,1,2,10\nKRX:0155e0,2024-12-13,1,2,1,2,10\nAAPL,2024-12-13,1,2,1,2,10\n"

    sheet = read(("everything.csv", rows))

    assert sheet.rows["symbol"].to_list() == ["005930", "0155E0"]
    assert sheet.bad[0].reason == "AAPL is no symbol of KRX"


def test_the_same_day_in_two_spellings_of_one_symbol_is_a_duplicate(bars_csv: BarsCsv) -> None:
    sheet = read(("005930.csv", bars_csv(GOOD)), ("005930.KS.csv", bars_csv(GOOD)))

    assert [(bad.file, bad.code) for bad in sheet.bad] == [("005930.KS.csv", "duplicate_day")]


def test_a_halted_day_is_good_and_flagged(bars_csv: BarsCsv) -> None:
    sheet = read(("005930.csv", bars_csv("2018-04-30,0,0,0,53000,0,0.0")))

    assert sheet.rows["halted"].to_list() == [True]


def test_off_grid_and_adjusted_prices_are_kept_exactly(bars_csv: BarsCsv) -> None:
    sheet = read(("005930.csv", bars_csv("2024-12-13,26259,26260.50,26200.10,26261,10.0,")))

    assert sheet.bad == ()
    assert sheet.rows.row(0)[2:7] == (26259, "26260.5", "26200.1", 26261, 10)


def test_parquet_gives_the_same_rows_as_csv(bars_csv: BarsCsv) -> None:
    frame = pl.DataFrame(
        {
            "Date": [datetime(2024, 12, 12), datetime(2024, 12, 13)],  # noqa: DTZ001 - as files hold them
            "Open": [100.0, 1.1],
            "High": [120.0, 1.25],
            "Low": [90.0, float("nan")],
            "Close": [110.0, 1.2],
            "Volume": [1000, 5],
        }
    )
    content = io.BytesIO()
    frame.write_parquet(content)

    sheet = read(("005930.parquet", content.getvalue()))

    assert sheet.rows.rows() == read(("005930.csv", bars_csv("2024-12-12,100,120,90,110,1000,"))).rows.rows()
    assert [(bad.line, bad.code) for bad in sheet.bad] == [(2, "missing_value")]


@pytest.mark.requirement("R-35")
def test_more_rows_than_an_import_may_have_are_refused(bars_csv: BarsCsv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar_rules, "ROWS_MAX", 2)
    content = bars_csv(*(f"2024-12-{day:02},1,2,1,2,10," for day in range(1, 5)))

    assert read(("005930.csv", content)).bad[0].reason == "has more than 2 rows"


def test_the_list_of_bad_rows_is_bounded_and_the_count_is_not(bars_csv: BarsCsv) -> None:
    sheet = read(("005930.csv", bars_csv(*["nonsense"] * 500)))

    assert len(sheet.bad) == bar_rules.BAD_ROWS_LISTED_MAX
    assert sheet.bad_count == 500


def test_every_row_of_the_large_caps_is_good(real_data: Path) -> None:
    files = [(path.name, path.read_bytes()) for path in sorted(real_data.glob("*.csv"))]

    sheet = read_bars([BarFile(*file) for file in files], "KRX", date(2026, 1, 1))

    assert sheet.bad_count == 0
    assert sheet.rows.height == 144_165
    assert sheet.rows["halted"].sum() > 100
