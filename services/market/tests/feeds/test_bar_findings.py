"""What a report tells about rows that are good and peculiar."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import polars as pl
import pytest
from market.domain.sessions import local_day, unfinished_day
from market.feeds.bar_files import BarFile
from market.feeds.bar_findings import Finding, findings_in
from market.feeds.bar_rules import read_bars
from quant.markets.calendar import add_sessions, session_hours

BarsCsv = Callable[..., bytes]
TODAY = date(2026, 11, 26)
MONDAY = date(2024, 12, 9)


def found(files: Mapping[str, bytes], unfinished: date | None = None) -> dict[str, Finding]:
    sheet = read_bars([BarFile(name, content) for name, content in files.items()], "KRX", TODAY)
    assert sheet.bad == ()
    return {finding.code: finding for finding in findings_in(sheet.rows, "KOSPI", "stock", unfinished)}


def test_ordinary_rows_have_nothing_to_tell(bars_csv: BarsCsv) -> None:
    assert found({"005930.csv": bars_csv("2024-12-12,55000,55500,54900,55400,10,")}) == {}


@pytest.mark.parametrize(
    ("rows", "code", "count", "example"),
    [
        (["2024-12-12,0,0,0,100,0,"], "halted_day", 1, "005930 2024-12-12"),
        (["2024-12-12,26259,26300,26250,26250,9,"], "off_grid", 1, "005930 2024-12-12"),
        (["2023-01-20,15050,15050,15050,15050,9,", "2023-01-25,15060,15060,15060,15060,9,"], None, 0, ""),
        (["2023-01-20,15060,15060,15060,15060,9,"], "off_grid", 1, "005930 2023-01-20"),
        (["2024-12-12,100,102,99,104,9,"], "order_of_prices", 1, "005930 2024-12-12"),
        (["2024-12-12,100,100,100,100,9,", "2024-12-13,9990,9990,9990,9990,9,"], "hundredfold", 1, "005930 2024-12-13"),
        (["2024-12-12,1000,1000,1000,1000,9,", "2024-12-13,500,500,500,500,9,"], "jump", 1, "005930 2024-12-13"),
        (["2024-12-25,100,100,100,100,9,"], "no_session", 1, "005930 2024-12-25"),
        (["2024-12-10,100,100,100,100,9,", "2024-12-13,100,100,100,100,9,"], "missing_session", 2, "005930 2024-12-13"),
    ],
)
def test_a_peculiarity_is_named_counted_and_shown(
    bars_csv: BarsCsv, rows: list[str], code: str | None, count: int, example: str
) -> None:
    findings = found({"005930.csv": bars_csv(*rows)})
    if code is None:
        assert findings == {}
        return
    assert findings.keys() == {code}
    assert (findings[code].rows, findings[code].symbols, findings[code].examples) == (count, 1, (example,))


def test_a_day_whose_session_still_runs_is_told(bars_csv: BarsCsv) -> None:
    day = date(2024, 12, 13)
    rows = bars_csv("2024-12-13,100,100,100,100,9,")
    assert found({"005930.csv": rows}, unfinished=day).keys() == {"unfinished_day"}
    noon, evening = session_hours("KRX", day).open, session_hours("KRX", day).close
    assert unfinished_day("KRX", noon) == day == local_day("KRX", noon)
    assert unfinished_day("KRX", evening) is None
    assert unfinished_day("KRX", noon + timedelta(days=1)) is None


def test_a_newest_day_with_little_volume_nearly_everywhere_looks_captured_too_early(bars_csv: BarsCsv) -> None:
    days = [add_sessions("KRX", MONDAY, place) for place in range(-24, 1)]

    def files(last_volume: int) -> dict[str, bytes]:
        volumes = [1_000] * 24 + [last_volume]
        rows = [f"{day},100,100,100,100,{volume}," for day, volume in zip(days, volumes, strict=True)]
        return {f"{place:06d}.csv": bars_csv(*rows) for place in range(120)}

    captured = found(files(300))
    assert captured.keys() == {"mid_session_capture"}
    assert captured["mid_session_capture"].symbols == 120
    assert found(files(1_200)) == {}


def test_korean_headers_are_understood(bars_csv: BarsCsv) -> None:
    header = "날짜,시가,고가,저가,종가,거래량,등락률"
    rows = bars_csv("2024-12-13,55000,55500,54900,55400,10,0.7", header=header)
    sheet = read_bars([BarFile("005930.csv", rows)], "KRX", TODAY)
    assert sheet.rows.select("symbol", "close").rows() == [("005930", 55400)]


def test_the_real_sample_tells_its_halts_and_its_adjusted_prices(large_caps: dict[str, bytes]) -> None:
    sheet = read_bars([BarFile(name, content) for name, content in large_caps.items()], "KRX", TODAY)
    findings = {item.code: item for item in findings_in(sheet.rows, "KOSPI", "stock", None)}
    zeros = sum(content.count(b",0.0,0.0,0.0,") + content.count(b",0,0,0,") for content in large_caps.values())
    assert findings["halted_day"].rows == zeros == sheet.rows.filter(pl.col("halted")).height
    assert findings["off_grid"].rows > 10_000
    assert "mid_session_capture" not in findings
