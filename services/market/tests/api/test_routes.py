"""market's routes: who may ask, what they answer, and what they say to nonsense."""

import json
from collections.abc import Awaitable, Callable
from datetime import date
from io import BytesIO
from typing import Any

import httpx
import polars as pl
import pytest
import pytest_asyncio
from fastapi import FastAPI
from kit.db import Database
from kit.ids import new_id
from market.domain.screen import RATIOS
from market.store import fundamentals
from redis.asyncio import Redis

Upload = Callable[..., Awaitable[httpx.Response]]
BarsCsv = Callable[..., bytes]
PREFIX = "/api/v1/market"
QUOTE_KEYS = {"type", "symbol", "price", "bid", "ask", "session", "trading_date", "timestamp"}

SAMSUNG = {
    "symbol": "005930",
    "name": "삼성전자",
    "market": "KRX",
    "board": "KOSPI",
    "kind": "stock",
    "currency": "KRW",
    "first_day": "2024-12-11",
    "last_day": "2024-12-13",
    "adjustment": "raw",
    "name_en": None,
    "sector": None,
    "isin": None,
    "listed_on": None,
    "delisted_on": None,
}

READS = [
    f"{PREFIX}/stocks",
    f"{PREFIX}/stocks/005930",
    f"{PREFIX}/quotes?symbols=005930",
    f"{PREFIX}/quotes/005930",
    f"{PREFIX}/orderbook/005930",
    f"{PREFIX}/charts/005930",
    f"{PREFIX}/status",
]
ADMIN_ONLY = [
    ("POST", f"{PREFIX}/imports"),
    ("POST", f"{PREFIX}/replays"),
    ("GET", f"{PREFIX}/replays/{new_id()}"),
    ("DELETE", f"{PREFIX}/replays/{new_id()}"),
]


@pytest_asyncio.fixture
async def bars(upload: Upload, bars_csv: BarsCsv) -> None:
    """Three days of Samsung, one of them halted, and one day of Hynix."""
    samsung = bars_csv(
        "2024-12-11,53000,53900,51800,54000,1000,",
        "2024-12-12,0,0,0,54000,0,",
        "2024-12-13,55000,56600,54600,56100.5,2000,",
    )
    hynix = bars_csv("2024-12-13,170000,175000,169000,174000,300,")
    names = '{"005930": "삼성전자", "000660": "SK하이닉스"}'
    answer = await upload({"005930.csv": samsung, "000660.csv": hynix}, names=names)
    assert answer.status_code == 201


async def test_reading_needs_a_token_and_no_more(people: Any, bars: None) -> None:
    for path in READS:
        assert (await people.anonymous.get(path)).status_code == 401, path
        assert (await people.of("service").get(path)).status_code == 403, path
        for role in ("user", "admin"):
            assert (await people.of(role).get(path)).status_code in {200, 404}, path


async def test_imports_and_replays_are_for_admins(people: Any) -> None:
    for method, path in ADMIN_ONLY:
        assert (await people.anonymous.request(method, path)).status_code == 401, path
        refused = await people.of("user").request(method, path)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
        assert (await people.of("admin").request(method, path)).status_code in {404, 422}, path


async def test_stocks_are_found_by_code_and_by_part_of_a_name(user: httpx.AsyncClient, bars: None) -> None:
    async def found(**query: str) -> list[str]:
        return [item["symbol"] for item in (await user.get(f"{PREFIX}/stocks", params=query)).json()["items"]]

    assert await found() == ["000660", "005930"]
    assert await found(query="0059") == ["005930"]
    assert await found(query="005930.KS") == ["005930"]
    assert await found(query="하이닉스") == ["000660"]
    assert await found(query="sk") == ["000660"]
    assert await found(query="%") == []
    assert await found(market="US") == []


async def test_stocks_come_in_pages(user: httpx.AsyncClient, bars: None) -> None:
    first = (await user.get(f"{PREFIX}/stocks", params={"limit": 1})).json()
    second = (await user.get(f"{PREFIX}/stocks", params={"limit": 1, "cursor": first["next_cursor"]})).json()

    assert [item["symbol"] for item in first["items"] + second["items"]] == ["000660", "005930"]
    assert second["next_cursor"] is None


async def test_a_stock_is_known_under_every_spelling(user: httpx.AsyncClient, bars: None) -> None:
    for spelling in ("005930", "005930.KS", "KRX:005930", "A005930"):
        answer = await user.get(f"{PREFIX}/stocks/{spelling}")
        assert answer.json() == SAMSUNG, spelling


async def test_a_chart_lists_bars_in_decimal_strings_oldest_first(user: httpx.AsyncClient, bars: None) -> None:
    answer = await user.get(f"{PREFIX}/charts/005930", params={"from": "2024-12-12", "to": "2024-12-13"})

    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "symbol": "005930",
        "interval": "1d",
        "adjusted": True,
        "items": [
            {"time": "2024-12-12", "open": "0", "high": "0", "low": "0", "close": "54000", "volume": 0, "halted": True},
            {
                "time": "2024-12-13",
                "open": "55000",
                "high": "56600",
                "low": "54600",
                "close": "56100.5",
                "volume": 2000,
                "halted": False,
            },
        ],
        "next_cursor": None,
    }


async def test_a_chart_without_bars_in_its_days_is_empty_and_of_an_unknown_stock_is_not_found(
    user: httpx.AsyncClient, bars: None
) -> None:
    empty = await user.get(f"{PREFIX}/charts/005930", params={"to": "0001-01-01"})
    unknown = await user.get(f"{PREFIX}/charts/035720")

    assert empty.json()["items"] == []
    assert (unknown.status_code, unknown.json()["code"]) == (404, "stock_not_found")


NONSENSE = [
    ("stocks/not a symbol", "invalid_request"),
    (f"stocks/{'9' * 40}", "invalid_request"),
    ("stocks?limit=1000000000", "invalid_request"),
    ("stocks?cursor=nonsense", "bad_cursor"),
    (f"stocks?query={'x' * 101}", "invalid_request"),
    ("stocks?market=MARS", "invalid_request"),
    ("quotes", "invalid_request"),
    ("quotes?symbols=,,", "invalid_symbol"),
    ("quotes?symbols=005930,hello world", "invalid_symbol"),
    (f"quotes?symbols={','.join(['005930'] * 101)}", "invalid_symbol"),
    ("charts/005930?interval=2m", "invalid_request"),
    ("charts/005930?from=yesterday", "invalid_request"),
    ("charts/005930?from=2024-12-13&to=2024-12-12", "invalid_range"),
    ("replays/42", "invalid_request"),
]


@pytest.mark.requirement("R-35")
async def test_nonsense_is_a_problem_that_names_the_field(admin: httpx.AsyncClient) -> None:
    for path, code in NONSENSE:
        answer = await admin.get(f"{PREFIX}/{path}")
        assert answer.status_code == 422, path
        assert answer.headers["content-type"] == "application/problem+json", path
        assert answer.json()["code"] == code, path
        assert answer.json()["errors"], path


async def test_a_quote_is_what_redis_holds(user: httpx.AsyncClient, redis: Redis, symbol: str, a_quote: Any) -> None:
    missing = await user.get(f"{PREFIX}/quotes/{symbol}")
    await redis.set(f"realtime:{symbol}", a_quote(symbol, price="70100"))

    one = await user.get(f"{PREFIX}/quotes/{symbol}")
    several = await user.get(f"{PREFIX}/quotes", params={"symbols": f"{symbol},0ZZZZZ,KRX:{symbol}"})

    assert (missing.status_code, missing.json()["code"]) == (404, "quote_not_found")
    assert one.json()["price"] == "70100"
    assert one.json().keys() >= QUOTE_KEYS
    assert several.json()["items"] == [one.json()]


async def test_an_order_book_is_what_redis_holds(user: httpx.AsyncClient, redis: Redis, symbol: str) -> None:
    missing = await user.get(f"{PREFIX}/orderbook/{symbol}")
    book = {
        "type": "orderbook",
        "symbol": symbol,
        "bids": [{"price": "70000", "quantity": "12"}, {"price": "69900", "quantity": "3"}],
        "asks": [],
        "timestamp": "2026-11-20T01:02:03.456000Z",
        "source": "replay",
    }
    await redis.set(f"realtime.orderbook:{symbol}", json.dumps(book))

    assert (missing.status_code, missing.json()["code"]) == (404, "order_book_not_found")
    assert (await user.get(f"{PREFIX}/orderbook/KRX:{symbol}")).json() == book


async def test_the_status_shows_both_markets(user: httpx.AsyncClient) -> None:
    status = (await user.get(f"{PREFIX}/status")).json()

    assert [item["market"] for item in status["items"]] == ["KRX", "US"]
    assert all(item["session"] in {"regular", "closed"} for item in status["items"])
    assert status["replays"] == []


async def test_series_are_columns_of_numbers_without_halted_days_for_services_only(people: Any, bars: None) -> None:
    query = {"symbols": "005930,000660,035720", "from": "2024-12-01", "to": "2024-12-31"}

    for role in ("user", "admin"):
        assert (await people.of(role).get("/internal/bars", params=query)).status_code == 403
    assert (await people.anonymous.get("/internal/bars", params=query)).status_code == 401
    series = (await people.of("service").get("/internal/bars", params=query)).json()

    assert set(series) == {"005930", "000660"}
    assert series["005930"] == {
        "date": ["2024-12-11", "2024-12-13"],
        "open": [53000, 55000],
        "high": [53900, 56600],
        "low": [51800, 54600],
        "close": [54000, 56100.5],
        "volume": [1000, 2000],
    }


async def test_a_panel_is_a_market_as_one_file_for_services_only(people: Any, bars: None, app: FastAPI) -> None:
    query = {"market": "KRX", "from": "2024-12-01", "to": "2024-12-31", "figures": ["per", "roe"]}
    database: Database = app.state.resources.database
    async with database.system() as session:
        known = {"symbol": "005930", "known_since": date(2024, 12, 12), "source": "a test"}
        await fundamentals.save(session, [known | dict.fromkeys(RATIOS) | {"per": 11}])

    assert (await people.of("admin").post("/internal/panel", json=query)).status_code == 403
    assert (await people.anonymous.post("/internal/panel", json=query)).status_code == 401
    answer = await people.of("service").post("/internal/panel", json=query)
    rows = pl.read_parquet(BytesIO(answer.content))

    samsung = rows.filter(pl.col("symbol") == "005930")
    assert samsung["day"].to_list() == [date(2024, 12, 11), date(2024, 12, 13)]
    assert samsung["close"].to_list() == [54000, 56100.5]
    assert samsung["per"].to_list() == [None, 11]  # not before it was known
    assert samsung.select("board", "kind", "delisted_on").row(0) == ("KOSPI", "stock", None)
    assert rows["symbol"].unique().sort().to_list() == ["000660", "005930"]
    for narrowed, found in (
        ({"symbols": ["000660"]}, ["000660"]),
        ({"boards": ["KOSDAQ"]}, []),
        ({"kinds": ["etf"]}, []),
    ):
        answer = await people.of("service").post("/internal/panel", json=query | narrowed)
        assert pl.read_parquet(BytesIO(answer.content))["symbol"].unique().to_list() == found
    refused = await people.of("service").post("/internal/panel", json=query | {"to": "2030-12-31"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_range")


async def test_a_replay_is_kept_shown_and_stopped(admin: httpx.AsyncClient, bars: None) -> None:
    body = {"symbols": ["005930.KS", "000660", "005930"], "trading_date": "2024-12-13", "duration_seconds": 5}

    created = await admin.post(f"{PREFIX}/replays", json=body)
    again = await admin.post(f"{PREFIX}/replays", json=body)
    path = f"{PREFIX}/replays/{created.json()['id']}"
    shown = await admin.get(path)
    stopped = await admin.delete(path)
    twice = await admin.delete(path)

    assert created.status_code == 201
    assert (created.json()["symbols"], created.json()["ticks_per_symbol"]) == (["005930", "000660"], 10)
    assert (again.status_code, again.json()["code"]) == (409, "replay_running")
    assert again.json()["replay_id"] == created.json()["id"]
    assert shown.json()["status"] == "waiting"
    assert (stopped.json()["status"], twice.json()) == ("stopped", stopped.json())


UNPLAYABLE = [
    ({"symbols": []}, "invalid_request"),
    ({"symbols": ["what?"]}, "invalid_request"),
    ({"symbols": ["005930"] * 201}, "invalid_request"),
    ({"duration_seconds": 0}, "invalid_request"),
    ({"duration_seconds": 3601}, "invalid_request"),
    ({"ticks_per_symbol": 3}, "invalid_request"),
    ({"ticks_per_symbol": 2001, "duration_seconds": 1}, "invalid_request"),
    ({"surprise": 1}, "invalid_request"),
    ({"symbols": ["035720"]}, "nothing_to_replay"),
    ({"trading_date": "2024-12-12"}, "nothing_to_replay"),
    ({"trading_date": "2024-12-14"}, "nothing_to_replay"),
]


async def test_a_replay_that_cannot_be_played_is_refused(admin: httpx.AsyncClient, bars: None) -> None:
    for change, code in UNPLAYABLE:
        body = {"symbols": ["005930"], "trading_date": "2024-12-13", "duration_seconds": 5} | change
        answer = await admin.post(f"{PREFIX}/replays", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), change


async def test_every_route_is_documented(anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get("/openapi.json")).json()

    upload = document["paths"][f"{PREFIX}/imports"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"files", "market", "board", "kind", "source", "skip_bad", "names", "adjustment"} == set(
        upload["properties"]
    )
    assert {"401", "403", "409", "422"} <= set(document["paths"][f"{PREFIX}/replays"]["post"]["responses"])
