"""Instruments by every way people look for them, the master, the calendar, and the charting feed."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

Upload = Callable[..., Awaitable[httpx.Response]]
BarsCsv = Callable[..., bytes]
PREFIX = "/api/v1/market"
UDF = "/api/v1/udf"
MASTER = {
    "items": [
        {
            "symbol": "005930",
            "name_en": "Samsung Electronics",
            "sector": "전기전자",
            "isin": "KR7005930003",
            "listed_on": "1975-06-11",
        },
        {"symbol": "000660", "name_en": "SK hynix", "sector": "전기전자", "delisted_on": "2030-01-01"},
        {"symbol": "035720", "name": "카카오"},
    ]
}


@pytest_asyncio.fixture
async def known(upload: Upload, bars_csv: BarsCsv, admin: httpx.AsyncClient) -> None:
    rows = bars_csv(
        "2024-12-11,53000,53900,51800,54000,1000,",
        "2024-12-12,0,0,0,54000,0,",
        "2024-12-13,55000,56600,54600,56100,2000,",
        "2024-12-16,56100,56800,55900,55700,3000,",
    )
    names = '{"005930": "삼성전자", "000660": "SK하이닉스"}'
    assert (await upload({"005930.csv": rows, "000660.csv": rows}, names=names)).status_code == 201
    answer = await admin.put(f"{PREFIX}/instruments", json=MASTER)
    assert answer.json() == {"updated": 2, "unknown": ["035720"]}


async def found(user: httpx.AsyncClient, **query: str) -> list[str]:
    return [item["symbol"] for item in (await user.get(f"{PREFIX}/stocks", params=query)).json()["items"]]


async def test_stocks_are_found_by_consonants_english_name_sector_and_isin(
    user: httpx.AsyncClient, known: None
) -> None:
    assert await found(user, query="ㅅㅅㅈㅈ") == ["005930"]
    assert await found(user, query="ㅅㅈ") == ["005930"]
    assert await found(user, query="skㅎㅇ") == ["000660"]
    assert await found(user, query="ㅎㅎ") == []
    assert await found(user, query="hynix") == ["000660"]
    assert await found(user, query="kr7005930003") == ["005930"]
    assert await found(user, sector="전기전자") == ["000660", "005930"]
    assert await found(user, sector="은행") == []


async def test_a_delisted_stock_is_kept_with_its_day_and_imports_keep_what_was_told(
    user: httpx.AsyncClient, known: None, upload: Upload, bars_csv: BarsCsv
) -> None:
    await upload({"000660.csv": bars_csv("2024-12-17,1000,1000,1000,1000,1,")})
    stock = (await user.get(f"{PREFIX}/stocks/000660")).json()
    assert (stock["name"], stock["name_en"], stock["delisted_on"]) == ("SK하이닉스", "SK hynix", "2030-01-01")
    assert stock["last_day"] == "2024-12-17"
    assert await found(user, query="ㅎㅇㄴㅅ") == ["000660"]


@pytest.mark.requirement("R-35")
async def test_the_master_is_for_admins_and_bounded(user: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    assert (await user.put(f"{PREFIX}/instruments", json=MASTER)).status_code == 403
    for wrong in (
        {"isin": "KR70059300"},
        {"name": ""},
        {"listed_on": "2020-01-02", "delisted_on": "2020-01-01"},
        {"unknown": 1},
    ):
        body = {"items": [{"symbol": "005930"} | wrong]}
        assert (await admin.put(f"{PREFIX}/instruments", json=body)).status_code == 422, wrong
    many = {"items": [{"symbol": "005930"}] * 5_001}
    assert (await admin.put(f"{PREFIX}/instruments", json=many)).status_code == 422


class TestCalendar:
    async def test_sessions_are_listed_with_their_hours_and_holidays_are_not(self, user: httpx.AsyncClient) -> None:
        answer = await user.get(f"{PREFIX}/calendar", params={"from": "2026-11-18", "to": "2026-11-22"})
        assert answer.json() == {
            "market": "KRX",
            "items": [
                {
                    "day": "2026-11-18",
                    "opens_at": "2026-11-18T00:00:00Z",
                    "closes_at": "2026-11-18T06:30:00Z",
                    "special": False,
                },
                {
                    "day": "2026-11-19",
                    "opens_at": "2026-11-19T01:00:00Z",
                    "closes_at": "2026-11-19T07:30:00Z",
                    "special": True,
                },
                {
                    "day": "2026-11-20",
                    "opens_at": "2026-11-20T00:00:00Z",
                    "closes_at": "2026-11-20T06:30:00Z",
                    "special": False,
                },
            ],
        }
        american = await user.get(
            f"{PREFIX}/calendar", params={"market": "US", "from": "2026-11-26", "to": "2026-11-27"}
        )
        assert [(item["day"], item["special"]) for item in american.json()["items"]] == [("2026-11-27", True)]
        assert (await user.get(f"{PREFIX}/calendar")).status_code == 200

    @pytest.mark.requirement("R-35")
    async def test_a_span_that_cannot_be_answered_is_explained(self, user: httpx.AsyncClient) -> None:
        for span in (("2026-01-02", "2026-01-01"), ("2026-01-01", "2028-01-01"), ("1900-01-01", "1900-01-02")):
            answer = await user.get(f"{PREFIX}/calendar", params={"from": span[0], "to": span[1]})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_range"), span


def seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


class TestChartingFeed:
    """The questions a charting library asks, in its order, without a token."""

    async def test_a_library_finds_a_symbol_and_draws_it(self, anonymous: httpx.AsyncClient, known: None) -> None:
        config = (await anonymous.get(f"{UDF}/config")).json()
        assert (config["supports_search"], config["supports_group_request"]) == (True, False)
        assert {"1", "1D", "1W", "1M"} <= set(config["supported_resolutions"])
        assert (await anonymous.get(f"{UDF}/time")).text.isdigit()
        results = (await anonymous.get(f"{UDF}/search", params={"query": "ㅅㅅ", "limit": 5, "type": ""})).json()
        assert [(one["ticker"], one["description"]) for one in results] == [("005930", "삼성전자")]
        described = (await anonymous.get(f"{UDF}/symbols", params={"symbol": "KRX:005930"})).json()
        assert (described["timezone"], described["session"], described["minmov"]) == ("Asia/Seoul", "0900-1530", 1)

        asked = {"symbol": "005930", "resolution": "1D", "from": seconds("2024-12-11"), "to": seconds("2024-12-17")}
        bars = (await anonymous.get(f"{UDF}/history", params=asked)).json()
        assert bars == {
            "s": "ok",
            "t": [seconds("2024-12-11"), seconds("2024-12-13"), seconds("2024-12-16")],
            "o": [53000, 55000, 56100],
            "h": [53900, 56600, 56800],
            "l": [51800, 54600, 55900],
            "c": [54000, 56100, 55700],
            "v": [1000, 2000, 3000],
        }

    async def test_a_library_scrolls_back_until_there_is_nothing(
        self, anonymous: httpx.AsyncClient, known: None
    ) -> None:
        async def history(**query: Any) -> dict[str, Any]:
            asked = {"symbol": "005930", "resolution": "1D", "from": 0, "to": 0} | query
            answer: dict[str, Any] = (await anonymous.get(f"{UDF}/history", params=asked)).json()
            return answer

        two = await history(to=seconds("2024-12-17"), countback=2, **{"from": seconds("2024-12-16")})
        assert two["t"] == [seconds("2024-12-13"), seconds("2024-12-16")]
        before = await history(to=seconds("2024-12-13"), countback=2)
        assert before["t"] == [seconds("2024-12-11")]
        assert await history(to=seconds("2024-12-11"), countback=2) == {"s": "no_data"}
        gap = await history(to=seconds("2025-02-01"), **{"from": seconds("2025-01-01")})
        assert gap == {"s": "no_data", "nextTime": seconds("2024-12-16")}
        weekly = await history(to=seconds("2024-12-17"), resolution="1W", countback=10)
        assert weekly["t"] == [seconds("2024-12-09"), seconds("2024-12-16")]
        assert (await history(to=seconds("2024-12-17"), resolution="1"))["s"] == "no_data"

    async def test_what_it_cannot_have_is_said_in_its_own_words(
        self, anonymous: httpx.AsyncClient, known: None
    ) -> None:
        asked = {"symbol": "999999", "resolution": "1D", "from": 0, "to": 1}
        assert (await anonymous.get(f"{UDF}/history", params=asked)).json()["errmsg"] == "unknown_symbol"
        odd = asked | {"symbol": "005930", "resolution": "7"}
        assert (await anonymous.get(f"{UDF}/history", params=odd)).json()["errmsg"] == "unknown_resolution"
        assert (await anonymous.get(f"{UDF}/symbols", params={"symbol": "?"})).json()["s"] == "error"
        wide = await anonymous.get(f"{UDF}/history", params=asked | {"to": 10**15})
        assert wide.status_code == 422
