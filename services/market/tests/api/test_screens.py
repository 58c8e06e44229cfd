"""Screens: a rule over the whole market, kept ones, and how a rule that cannot be read is answered."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from kit.db import Database
from kit.ids import new_id
from kit.testing.fixtures import client
from market import panels as market_panels
from market.api import indicators
from market.app import create_app
from market.domain.screen import RATIOS, TEMPLATES
from market.store import fundamentals, panels
from quant.rules import compile_rule
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

Upload = Callable[..., Awaitable[httpx.Response]]
BarsCsv = Callable[..., bytes]
PREFIX = "/api/v1/market"
FIRST = date(2024, 1, 1)
DAYS = 60


def rows_of(step: int, days: int = DAYS) -> list[str]:
    """Closes that rise or fall by a step a day from 10,000."""
    closes = [10_000 + step * place for place in range(days)]
    return [
        f"{FIRST + timedelta(days=place)},{close},{close + 10},{close - 10},{close},{1_000 + place},"
        for place, close in enumerate(closes)
    ]


@pytest_asyncio.fixture
async def market(upload: Upload, bars_csv: BarsCsv) -> None:
    """A riser, a faller, one that left ten days early and one that was halted on the last day, on two boards."""
    halted = [*rows_of(7, DAYS - 1), f"{FIRST + timedelta(days=DAYS - 1)},0,0,0,10400,0,"]
    kospi = {"000010.csv": bars_csv(*rows_of(10)), "000020.csv": bars_csv(*rows_of(-10))}
    kosdaq = {"000030.csv": bars_csv(*rows_of(5, DAYS - 10)), "000040.csv": bars_csv(*halted)}
    assert (await upload(kospi)).status_code == 201
    assert (await upload(kosdaq | {"000050.csv": bars_csv(*rows_of(20))}, board="KOSDAQ")).status_code == 201


async def asked(user: httpx.AsyncClient, rule: str, **body: Any) -> dict[str, Any]:
    answer = await user.post(f"{PREFIX}/screen", json={"rule": rule} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def symbols(answer: dict[str, Any]) -> list[str]:
    return [item["symbol"] for item in answer["items"]]


async def test_a_rule_is_asked_of_everything_that_traded_on_the_newest_day(
    user: httpx.AsyncClient, market: None
) -> None:
    answer = await asked(user, "close > sma(20) and rsi(14) > 50")
    assert symbols(answer) == ["000010", "000050"]
    last = str(FIRST + timedelta(days=DAYS - 1))
    assert (answer["as_of"], answer["evaluated"], answer["matched"]) == (last, 3, 2)
    assert answer["look_back"] == 19
    assert answer["items"][0] == {
        "symbol": "000010",
        "name": "000010",
        "board": "KOSPI",
        "close": "10590",
        "change_percent": "0.09",
        "volume": 1059,
    }


async def test_a_universe_narrows_it_and_an_earlier_day_sees_only_its_past(
    user: httpx.AsyncClient, market: None
) -> None:
    assert symbols(await asked(user, "close > 1", universe={"boards": ["KOSDAQ"]})) == ["000050"]
    assert symbols(await asked(user, "close > 1", universe={"symbols": ["000020", "KRX:000050"]})) == [
        "000020",
        "000050",
    ]
    early = str(FIRST + timedelta(days=40))
    answer = await asked(user, "close == highest(30) - 10", as_of=early)
    assert symbols(answer) == ["000010", "000030", "000040", "000050"]
    assert answer["as_of"] == early


async def test_new_bars_are_seen_at_once(
    user: httpx.AsyncClient, market: None, upload: Upload, bars_csv: BarsCsv
) -> None:
    assert symbols(await asked(user, "close > 50000")) == []
    tomorrow = FIRST + timedelta(days=DAYS)
    await upload({"000020.csv": bars_csv(f"{tomorrow},60000,60000,60000,60000,5,")})
    answer = await asked(user, "close > 50000")
    assert (symbols(answer), answer["as_of"]) == (["000020"], str(tomorrow))


async def test_fundamentals_are_read_as_they_were_known(
    user: httpx.AsyncClient, market: None, app: FastAPI, settings: Any
) -> None:
    database: Database = app.state.resources.database
    early, late = FIRST + timedelta(days=30), FIRST + timedelta(days=50)
    blank = dict.fromkeys(RATIOS)
    async with database.system() as session:
        rows = [
            {"symbol": "000010", "known_since": early, "source": "test", **blank, "per": Decimal("9.5")},
            {"symbol": "000010", "known_since": late, "source": "test", **blank, "per": Decimal(20)},
        ]
        await fundamentals.save(session, rows)
        await panels.save_revision(session, "KRX")

    assert symbols(await asked(user, "per < 12", as_of=str(late - timedelta(days=1)))) == ["000010"]
    assert symbols(await asked(user, "per < 12", as_of=str(early - timedelta(days=1)))) == []
    assert symbols(await asked(user, "per < 12")) == []
    known = await user.get(f"{PREFIX}/fundamentals/000010", params={"as_of": str(early)})
    assert [(item["known_since"], item["per"]) for item in known.json()["items"]] == [(str(early), "9.5")]
    assert (await user.get(f"{PREFIX}/fundamentals/999999")).status_code == 404


@pytest.mark.requirement("R-35")
@pytest.mark.parametrize(
    ("rule", "column", "korean"),
    [
        ("rsi(14) <", 10, "읽을 수 없습니다"),
        ("close > smaa(20)", 9, "알 수 없는 함수"),
        ("__import__('os')", 12, "쓸 수 없는 문자"),
        ("(" * 400 + "1" + ")" * 400 + " > 0", None, None),
        (" and ".join(f"cci({1000 - part}) > 0" for part in range(11)), 1, "한도"),
        ("close", 1, "조건"),
    ],
)
async def test_a_rule_that_cannot_be_used_is_explained_at_its_column(
    user: httpx.AsyncClient, rule: str, column: int | None, korean: str | None
) -> None:
    answer = await user.post(f"{PREFIX}/screen", json={"rule": rule})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_rule")
    assert problem["errors"][0]["field"] == "rule"
    assert column is None or problem["column"] == column
    assert korean is None or korean in problem["message_ko"]


async def test_a_market_without_bars_has_nothing_to_ask(user: httpx.AsyncClient) -> None:
    answer = await user.post(f"{PREFIX}/screen", json={"rule": "close > 1", "universe": {"market": "US"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "no_bars")


async def test_every_template_is_a_rule_and_can_be_asked(user: httpx.AsyncClient, market: None) -> None:
    offered = (await user.get(f"{PREFIX}/screens/templates")).json()
    assert [item["key"] for item in offered] == [
        "momentum_breakout",
        "oversold_rebound",
        "steady_trend",
        "macd_cross",
    ]
    for item in offered:
        await asked(user, item["rule"])


@pytest.mark.requirement("R-32")
@pytest.mark.parametrize("what", ["screen", "kept screen", "indicator"])
async def test_while_screens_and_indicators_compute_the_only_connection_answers_others(
    settings: Any, tokens: Any, user: httpx.AsyncClient, market: None, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    computing, enough = threading.Event(), threading.Event()

    def slowly(compute: Callable[..., Any]) -> Callable[..., Any]:
        def waited(*given: Any) -> Any:
            computing.set()
            assert enough.wait(20)
            return compute(*given)

        return waited

    monkeypatch.setattr(market_panels, "_matches", slowly(market_panels._matches))
    monkeypatch.setattr(indicators, "_columns", slowly(indicators._columns))
    app = create_app(settings.model_copy(update={"database_pool_size": 1}), tokens.verifier)
    async with client(app, tokens.for_user(new_id())) as asking:
        kept = (await asking.post(f"{PREFIX}/screens", json={"name": "x", "rule": "close > 1"})).json()
        ask = {
            "screen": lambda: asking.post(f"{PREFIX}/screen", json={"rule": "close > 1"}),
            "kept screen": lambda: asking.post(f"{PREFIX}/screens/{kept['id']}/run"),
            "indicator": lambda: asking.get(f"{PREFIX}/indicators/000010", params={"expr": "sma(5)", "from": FIRST}),
        }[what]
        waiting = [asyncio.create_task(ask()) for _ in range(5)]
        try:
            assert await asyncio.to_thread(computing.wait, 20)
            for _ in range(3):
                answer = await asyncio.wait_for(asking.get(f"{PREFIX}/stocks/000010"), 4)
                assert answer.status_code == 200
            assert not any(task.done() for task in waiting)
        finally:
            enough.set()
        assert [(await task).status_code for task in waiting] == [200] * 5


def test_templates_need_less_history_than_a_panel_has() -> None:
    assert max(compile_rule(template.rule).look_back for template in TEMPLATES) < 300


class TestKeptScreens:
    async def test_a_screen_is_kept_run_changed_and_deleted(self, user: httpx.AsyncClient, market: None) -> None:
        body = {"name": "Risers", "rule": "close > sma(20)", "universe": {"boards": ["KOSPI"]}}
        kept = (await user.post(f"{PREFIX}/screens", json=body)).json()
        assert (kept["name"], kept["universe"]["boards"]) == ("Risers", ["KOSPI"])
        place = f"{PREFIX}/screens/{kept['id']}"
        assert (await user.get(place)).json() == kept
        assert symbols((await user.post(f"{place}/run")).json()) == ["000010"]

        changed = body | {"id": kept["id"], "rule": "close < sma(20)"}
        assert (await user.post(f"{PREFIX}/screens", json=changed)).json()["rule"] == "close < sma(20)"
        assert symbols((await user.post(f"{place}/run")).json()) == ["000020"]
        assert [item["id"] for item in (await user.get(f"{PREFIX}/screens")).json()["items"]] == [kept["id"]]

        assert (await user.delete(place)).status_code == 204
        assert (await user.delete(place)).status_code == 404
        assert (await user.post(f"{place}/run")).status_code == 404

    async def test_a_stranger_finds_nothing_and_may_use_the_same_id(self, people: Any) -> None:
        mine, theirs = people.of("user"), people.of("user")
        body = {"id": str(new_id()), "name": "Mine", "rule": "close > 1"}
        assert (await mine.post(f"{PREFIX}/screens", json=body)).status_code == 201
        place = f"{PREFIX}/screens/{body['id']}"
        for method, path in (("GET", place), ("DELETE", place), ("POST", f"{place}/run")):
            assert (await theirs.request(method, path)).status_code == 404, path
        assert (await theirs.get(f"{PREFIX}/screens")).json()["items"] == []
        assert (await theirs.post(f"{PREFIX}/screens", json=body | {"name": "Theirs"})).json()["name"] == "Theirs"
        assert (await mine.get(place)).json()["name"] == "Mine"

    @pytest.mark.requirement("R-32")
    async def test_nobody_keeps_more_than_a_hundred(self, people: Any) -> None:
        hoarder, other = people.of("user"), people.of("user")
        for place in range(100):
            body = {"name": str(place), "rule": "close > 1"}
            assert (await hoarder.post(f"{PREFIX}/screens", json=body)).status_code == 201
        refused = await hoarder.post(f"{PREFIX}/screens", json={"name": "more", "rule": "close > 1"})
        assert (refused.status_code, refused.json()["code"]) == (422, "too_many")
        assert (await other.post(f"{PREFIX}/screens", json={"name": "one", "rule": "close > 1"})).status_code == 201
        first = (await hoarder.get(f"{PREFIX}/screens", params={"limit": 60})).json()
        second = (await hoarder.get(f"{PREFIX}/screens", params={"cursor": first["next_cursor"]})).json()
        assert [item["name"] for item in first["items"] + second["items"]] == [
            str(place) for place in range(99, -1, -1)
        ]

    async def test_a_rule_that_cannot_be_read_is_not_kept(self, user: httpx.AsyncClient) -> None:
        refused = await user.post(f"{PREFIX}/screens", json={"name": "x", "rule": "close >"})
        assert refused.json()["code"] == "invalid_rule"
        assert (await user.get(f"{PREFIX}/screens")).json()["items"] == []


class TestWatchlists:
    async def test_a_list_is_kept_in_its_order_changed_and_deleted(self, user: httpx.AsyncClient) -> None:
        place = f"{PREFIX}/watchlists"
        kept = (await user.post(place, json={"name": "반도체", "symbols": ["005930.KS", "000660", "005930"]})).json()
        assert kept["symbols"] == ["005930", "000660"]
        one = f"{place}/{kept['id']}"
        changed = await user.put(one, json={"name": "Chips", "symbols": ["AAPL"]})
        assert (changed.json()["name"], changed.json()["symbols"]) == ("Chips", ["AAPL"])
        assert (await user.get(one)).json() == changed.json()
        assert [item["name"] for item in (await user.get(place)).json()["items"]] == ["Chips"]
        assert (await user.delete(one)).status_code == 204
        assert (await user.put(one, json={"name": "Chips", "symbols": []})).status_code == 404

    async def test_a_stranger_finds_nothing(self, people: Any) -> None:
        mine, theirs = people.of("user"), people.of("user")
        kept = (await mine.post(f"{PREFIX}/watchlists", json={"name": "x", "symbols": ["005930"]})).json()
        one = f"{PREFIX}/watchlists/{kept['id']}"
        assert (await theirs.get(one)).status_code == 404
        assert (await theirs.put(one, json={"name": "y", "symbols": []})).status_code == 404
        assert (await theirs.delete(one)).status_code == 404
        assert (await mine.get(one)).json() == kept

    @pytest.mark.requirement("R-35")
    async def test_a_list_is_bounded(self, user: httpx.AsyncClient) -> None:
        many = [f"{place:06d}" for place in range(201)]
        assert (await user.post(f"{PREFIX}/watchlists", json={"name": "x", "symbols": many})).status_code == 422
        assert (await user.post(f"{PREFIX}/watchlists", json={"name": "", "symbols": []})).status_code == 422
        assert (await user.post(f"{PREFIX}/watchlists", json={"name": "x", "symbols": ["!"]})).status_code == 422


@pytest.mark.requirement("R-36", "R-39")
@pytest.mark.parametrize("table", ["screens", "watchlists"])
async def test_the_database_keeps_owners_apart(people: Any, app: FastAPI, table: str) -> None:
    body = {"name": "x", "rule": "close > 1"} if table == "screens" else {"name": "x", "symbols": []}
    assert (await people.of("user").post(f"{PREFIX}/{table}", json=body)).status_code == 201
    database: Database = app.state.resources.database
    async with database.owned(new_id()) as session:
        assert (await session.scalar(text(f"SELECT count(*) FROM {table}"))) == 0
    with pytest.raises(DBAPIError, match=r"app\.owner_id|uuid"):
        async with database.public() as session:
            await session.execute(text(f"SELECT * FROM {table}"))
