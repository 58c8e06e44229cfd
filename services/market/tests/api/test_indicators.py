"""Indicators over stored bars: what is computed, cut, and refused."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import httpx
import pytest
import pytest_asyncio

Upload = Callable[..., Awaitable[httpx.Response]]
BarsCsv = Callable[..., bytes]
PREFIX = "/api/v1/market/indicators"
FIRST = date(2024, 1, 1)


@pytest_asyncio.fixture
async def bars(upload: Upload, bars_csv: BarsCsv) -> None:
    """Forty rising days and then a halted one."""
    rows = [f"{FIRST + timedelta(days=n)},{100 + n},{102 + n},{99 + n},{101 + n},{n + 1}," for n in range(40)]
    halted = f"{FIRST + timedelta(days=40)},0,0,0,140,0,"
    assert (await upload({"005930.csv": bars_csv(*rows, halted)})).status_code == 201


async def test_values_stand_beside_their_days_and_unknown_ones_are_null(user: httpx.AsyncClient, bars: None) -> None:
    asked = {"expr": "sma(3)", "interval": "1d", "from": "2024-01-01", "to": "2024-01-05"}
    answer = (await user.get(f"{PREFIX}/005930", params=asked)).json()
    assert answer == {
        "symbol": "005930",
        "interval": "1d",
        "expr": "sma(3)",
        "look_back": 2,
        "time": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"],
        "values": {"value": [None, None, 102.0, 103.0, 104.0]},
    }


async def test_bars_before_the_range_count_and_halted_days_do_not(user: httpx.AsyncClient, bars: None) -> None:
    asked = {"expr": "macd(3,6,2)", "from": "2024-02-08", "to": "2024-12-31"}
    answer = (await user.get(f"{PREFIX}/KRX:005930", params=asked)).json()
    assert answer["time"] == ["2024-02-08", "2024-02-09"]
    assert list(answer["values"]) == ["macd", "signal", "histogram"]
    assert answer["values"]["macd"][-1] == pytest.approx(1.5)


async def test_arithmetic_and_candles_are_numbers_too(user: httpx.AsyncClient, bars: None) -> None:
    for expr in ("close / sma(20) - 1", "cdlengulfing()", "ema(rsi(5), 3)", "macd(3,6,2).signal", "vwap()"):
        answer = await user.get(f"{PREFIX}/005930", params={"expr": expr, "to": "2024-02-09"})
        assert answer.status_code == 200, (expr, answer.text)
        assert answer.json()["values"]["value"][-1] is not None


async def test_all_of_them_are_listed_with_parameters_and_look_back(user: httpx.AsyncClient) -> None:
    listed = {item["name"]: item for item in (await user.get(PREFIX)).json()}
    assert len(listed) > 130
    assert listed["macd"]["outputs"] == ["macd", "signal", "histogram"]
    assert listed["rsi"]["parameters"] == [
        {"name": "period", "default": 14, "least": 2, "most": 1000, "is_whole": True}
    ]
    assert listed["rsi"]["look_back"] == 14


@pytest.mark.requirement("R-35")
async def test_what_cannot_be_computed_is_explained(user: httpx.AsyncClient, bars: None) -> None:
    bad = await user.get(f"{PREFIX}/005930", params={"expr": "rsi(1)"})
    assert (bad.status_code, bad.json()["code"], bad.json()["column"]) == (422, "invalid_rule", 1)
    assert "2 이상" in bad.json()["message_ko"]
    assert (await user.get(f"{PREFIX}/005930", params={"expr": "close > 1"})).json()["code"] == "invalid_rule"
    assert (await user.get(f"{PREFIX}/005930", params={"expr": "x" * 1001})).status_code == 422
    backwards = {"expr": "rsi(14)", "from": "2024-02-01", "to": "2024-01-01"}
    assert (await user.get(f"{PREFIX}/005930", params=backwards)).json()["code"] == "invalid_range"
    unknown = await user.get(f"{PREFIX}/000660", params={"expr": "rsi(14)"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "stock_not_found")
