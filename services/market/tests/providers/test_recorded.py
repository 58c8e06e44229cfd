"""The sources' recorded replies are read as they are: shapes nobody invented."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from market.feeds.fetched_bars import Claim, believe
from market.providers.krx_figures import flow_of, valuation_of
from market.providers.krx_portal import OF_INDEX, bar_of, rows_of
from market.providers.naver import read_chart
from market.providers.port import RawBar

TODAY = date(2026, 11, 20)


@pytest.fixture
def recorded(reference_data: Path) -> Callable[[str], list[dict[str, Any]]]:
    """`recorded("name")`: the exchanges of one recording, each with its request and its reply."""

    def read(name: str) -> list[dict[str, Any]]:
        exchanges: list[dict[str, Any]] = json.loads(
            (reference_data / "krx_recorded" / "json" / f"{name}.json").read_text()
        )
        return exchanges

    return read


def test_the_week_of_a_split_is_raw_with_three_halted_days(recorded: Any) -> None:
    (exchange,) = recorded("stock_ohlcv_by_date_raw_005930_split2018")
    bars = [bar_of("005930", row["TRD_DD"], row) for row in reversed(rows_of(exchange["body"]))]
    assert bars[0] == RawBar("005930", "2018-04-27", "2669000", "2682000", "2622000", "2650000", "606216")
    assert bars[-1] == RawBar("005930", "2018-05-04", "53000", "53900", "51800", "51900", "39565391")
    believed = believe(bars, Claim("krx_portal", "KOSPI", "stock", "raw"), TODAY, None)
    assert {one.code: one.rows for one in believed.findings} == {"halted_day": 3, "jump": 1}
    assert believed.doubts == ()


@pytest.mark.parametrize(("board", "issues"), [("STK", 917), ("KSQ", 1_472)])
def test_a_whole_board_of_one_day_is_believed(recorded: Any, board: str, issues: int) -> None:
    (exchange,) = recorded(f"all_stocks_ohlcv_{board}_20210122")
    rows = rows_of(exchange["body"])
    bars = [bar_of(row["ISU_SRT_CD"], "2021-01-22", row) for row in rows]
    believed = believe(bars, Claim("krx_portal", "KOSPI" if board == "STK" else "KOSDAQ", "stock", "raw"), TODAY, None)
    assert (len(rows), believed.rows.height, believed.bad) == (issues, issues, ())
    assert {one.code for one in believed.findings} <= {"halted_day", "off_grid"}


def test_an_index_is_read_by_its_own_columns_and_has_no_grid(recorded: Any) -> None:
    exchange = recorded("index_ohlcv_202101")[0]
    rows = rows_of(exchange["body"])
    bars = [bar_of("KOSPI", row["TRD_DD"], row, OF_INDEX) for row in reversed(rows)]
    assert len(bars) == 20, "the sessions of January 2021"
    assert bars[-1][:6] == ("KOSPI", "2021-01-29", "3078.73", "3100.22", "2962.70", "2976.21")
    believed = believe(bars, Claim("krx_portal", "KOSPI", "stock", "raw"), TODAY, None)
    assert (believed.rows.height, believed.doubts, believed.findings) == (20, (), ())


def test_a_holiday_tells_every_issue_and_no_price(recorded: Any) -> None:
    exchanges = recorded("all_stocks_ohlcv_holiday_20210123")
    boards = [one for one in exchanges if one["request"]["form"].get("trdDd") == "20210123"]
    assert len(boards) == 1
    for exchange in boards:
        rows = rows_of(exchange["body"])
        assert len(rows) > 100
        assert not any(bar_of(row["ISU_SRT_CD"], "2021-01-23", row).close for row in rows)


def test_twelve_years_of_naver_are_adjusted_and_believed(recorded: Any) -> None:
    (exchange,) = recorded("naver_fchart_005930_2014_2026")
    bars = read_chart("005930", exchange["body"].encode("euc-kr"))
    assert bars[0] == RawBar("005930", "2014-07-11", "26000", "26040", "25640", "25680", "215592")
    believed = believe(bars, Claim("naver", "KOSPI", "stock", "adjusted"), TODAY, None)
    assert (len(bars), believed.doubts) == (2_832, ())
    assert {"halted_day", "off_grid"} <= {one.code for one in believed.findings}


def test_flows_of_a_week_cancel_out_and_agree_with_the_sums_by_kind(recorded: Any) -> None:
    (daily,), (sums,) = recorded("investor_daily_005930"), recorded("investor_by_ticker_005930")
    flows = [flow_of("005930", row) for row in rows_of(daily["body"])]
    assert len(flows) == 6
    for flow in flows:
        assert flow.individual + flow.institution + flow.foreigner + flow.corporation == 0
    told = {row["INVST_TP_NM"]: int(row["NETBID_TRDVAL"].replace(",", "")) for row in rows_of(sums["body"])}
    assert sum(flow.institution for flow in flows) == told["기관합계"]
    assert sum(flow.individual for flow in flows) == told["개인"]
    assert sum(flow.corporation for flow in flows) == told["기타법인"]


def test_valuations_of_a_board_leave_out_what_means_nothing(recorded: Any) -> None:
    (exchange,) = recorded("fundamental_by_ticker_STK_20210108")
    known = [valuation_of(row["ISU_SRT_CD"], date(2021, 1, 8), row) for row in rows_of(exchange["body"])]
    by_symbol = {one.symbol: one.values for one in known}
    told = ("4.62", "0.67", "982", "6802", "6.61")
    names = ("per", "pbr", "eps", "bps", "dividend_yield")
    assert {name: str(value) for name, value in by_symbol["095570"].items()} == dict(zip(names, told, strict=True))
    losses = [values for values in by_symbol.values() if "per" not in values]
    assert 0 < len(losses) < len(known)
