"""Portfolios through the API: kept, tested on a universe by both engines, refused with a reason, and shown."""

from datetime import date
from io import BytesIO
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
import pytest_asyncio
from backtest.domain import document
from backtest.workshop import Workshop
from fastapi import FastAPI
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from quant.markets.calendar import sessions_between

from services.backtest.tests.api.test_routes import BASE, Person
from services.backtest.tests.neighbours import Neighbours, a_walk

PORTFOLIO = {"market": "KRX", "ranking": [{"factor": "roc(20)"}], "positions": 2}
STRATEGY = {"name": "The best two", "entry": "close > sma(20)", "exit": "close <= 0", "portfolio": PORTFOLIO}
SESSIONS = sessions_between("KRX", date(2015, 1, 5), date(2019, 12, 30))[:1_000]
PERIOD = {"from": "2015-01-05", "to": str(SESSIONS[-1]), "initial_cash": "10000000"}


@pytest_asyncio.fixture
async def jiwoo(app: FastAPI, workshop: Workshop, tokens: Tokens, neighbours: Neighbours) -> Any:
    for place, symbol in enumerate(("000660", "005930", "035420", "035720", "051910")):
        count = 700 if symbol == "000660" else 1_000
        neighbours.bars[symbol] = a_walk(20 + place, count) | {"date": [str(day) for day in SESSIONS[:count]]}
    async with client(app) as http:
        owner = uuid4()
        yield Person(http, workshop, tokens.for_user(owner), owner)


async def asks(jiwoo: Person, strategy: dict[str, Any] = STRATEGY, **asked: Any) -> Any:
    kept = await jiwoo.call("POST", "/strategies", 201, json=strategy)
    return await jiwoo.call("POST", "/run", 202, json={"strategy_id": kept["id"], **PERIOD, **asked})


async def test_a_portfolio_is_kept_published_and_comes_back_as_it_was_written(jiwoo: Person) -> None:
    ranking = [{"factor": "per", "weight": "-1"}, {"factor": "roe", "weight": "0.5"}]
    whole = {**PORTFOLIO, "ranking": ranking, "every": "quarter", "tolerance": "0.1", "boards": ["KOSPI"]}
    whole |= {"kinds": ["stock"], "symbols": ["005930"]}
    kept = await jiwoo.call("POST", "/strategies", 201, json={**STRATEGY, "portfolio": whole})
    assert kept["format"] == 2
    assert kept["portfolio"] == whole
    published = await jiwoo.call("POST", f"/strategies/{kept['id']}/publish", 201)
    assert published["portfolio"] == whole
    alone = await jiwoo.call("PUT", f"/strategies/{kept['id']}", json={**STRATEGY, "portfolio": None})
    assert (alone["format"], alone["portfolio"]) == (1, None)


@pytest.mark.parametrize("engine", ["compiled", "event_driven"])
async def test_a_portfolio_is_tested_and_its_result_says_what_it_held(
    jiwoo: Person, neighbours: Neighbours, engine: str
) -> None:
    job = await asks(jiwoo, engine=engine)
    assert job["kind"] == "portfolio"
    result = await jiwoo.gets(job)
    assert (result["kind"], result["symbols"], result["days"]) == ("portfolio", 5, 1_000)
    assert result["assumptions"]["engine"] == engine
    assert len(result["chosen"]) <= 2
    trades = (await jiwoo.call("GET", f"/results/{job['id']}/trades", params={"limit": 100}))["items"]
    assert {trade["symbol"] for trade in trades} <= {"005930", "000660", "035420", "035720", "051910"}
    assert len({trade["symbol"] for trade in trades}) > 2
    assert result["metrics"]["trades"] == sum(trade["reason"] != "open" for trade in trades)
    equity = (await jiwoo.call("GET", f"/results/{job['id']}/equity", params={"limit": 500}))["items"]
    assert [point["date"] for point in equity] == [str(day) for day in SESSIONS[:500]]
    page = await jiwoo.http.get(f"{BASE}/results/{job['id']}/report.html", headers=jiwoo.headers)
    assert "1 x roc(20)" in page.text
    file = await jiwoo.http.get(f"{BASE}/results/{job['id']}/files/trades.parquet", headers=jiwoo.headers)
    assert pl.read_parquet(BytesIO(file.content))["symbol"].to_list() == [trade["symbol"] for trade in trades]
    assert (await jiwoo.call("GET", "/runs"))["items"][0]["symbol"] == "*"
    # four years and a bit are asked for in three parts
    assert [question["from"] for question in neighbours.questions] == ["2015-01-05", "2017-01-04", "2019-01-04"]


async def test_the_same_portfolio_on_the_same_bars_has_the_same_fingerprint(
    jiwoo: Person, neighbours: Neighbours
) -> None:
    first, again = [await jiwoo.gets(await asks(jiwoo)) for _ in range(2)]
    assert {**first, "id": 0, "strategy_id": 0} == {**again, "id": 0, "strategy_id": 0}
    neighbours.bars["035720"]["close"][3] += 1
    assert (await jiwoo.gets(await asks(jiwoo)))["fingerprint"] != first["fingerprint"]


async def test_figures_are_asked_for_only_where_rules_read_them(jiwoo: Person, neighbours: Neighbours) -> None:
    await jiwoo.gets(await asks(jiwoo))
    ranked = {**PORTFOLIO, "ranking": [{"factor": "1 / per"}, {"factor": "roe"}]}
    await jiwoo.gets(await asks(jiwoo, {**STRATEGY, "entry": "pbr > 0", "portfolio": ranked}))
    assert [question["figures"] for question in neighbours.questions] == [[]] * 3 + [["pbr", "per", "roe"]] * 3


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        (
            {"ranking": [{"factor": "macd(12, 26, 9)"}]},
            "portfolio.ranking.0.factor",
            "column 1: this has several parts",
        ),
        ({"ranking": [{"factor": "close"}, {"factor": "roc(2"}]}, "portfolio.ranking.1.factor", "column"),
        ({"ranking": [{"factor": "close", "weight": "0"}]}, "portfolio.ranking.0.weight", "use 1, or -1"),
        ({"symbols": ["AAPL"]}, "portfolio.symbols.0", "no symbol of KRX"),
        ({"boards": ["US"]}, "portfolio.boards", "boards of KRX only"),
    ],
)
async def test_a_portfolio_that_cannot_be_is_refused_by_field(
    jiwoo: Person, changed: dict[str, Any], field: str, said: str
) -> None:
    refused = await jiwoo.call("POST", "/strategies", 422, json={**STRATEGY, "portfolio": PORTFOLIO | changed})
    assert refused["errors"][0]["field"] == field
    assert said in refused["errors"][0]["message"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"symbol": "005930"}, "symbol"),
        ({"from": None}, "from"),
        ({"to": None}, "to"),
        ({"from": "1990-01-01"}, "from"),
    ],
)
async def test_what_a_portfolio_is_tested_on_must_fit(jiwoo: Person, asked: dict[str, Any], field: str) -> None:
    kept = await jiwoo.call("POST", "/strategies", 201, json=STRATEGY)
    refused = await jiwoo.call("POST", "/run", 422, json={"strategy_id": kept["id"], **PERIOD, **asked})
    assert refused["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("changed", "asked", "code", "nearest"),
    [
        (
            {"portfolio": PORTFOLIO | {"market": "US", "symbols": ["MSFT"]}},
            {"to": "2018-10-31"},
            "no_bars",
            "the market has bars of 1 symbols, boards US, kinds stock",
        ),
        ({}, {"to": "2015-01-20"}, "period_too_short", "at least 30; choose a longer period"),
        (
            {"entry": "close > sma(500)"},
            {"to": "2016-12-29"},
            "not_enough_history",
            "at least 501 daily bars and there are 493 days; choose a longer period",
        ),
        (
            {"portfolio": PORTFOLIO | {"positions": 200, "every": "day"}},
            {},
            "too_large",
            "a run may make 50,000; choose less often",
        ),
    ],
)
async def test_a_universe_that_cannot_be_computed_ends_with_the_reason_and_what_can(
    jiwoo: Person, changed: dict[str, Any], asked: dict[str, Any], code: str, nearest: str
) -> None:
    job = await asks(jiwoo, STRATEGY | changed, **asked)
    with pytest.raises(AssertionError):
        await jiwoo.gets(job)
    ended = await jiwoo.call("GET", f"/jobs/{job['id']}")
    assert (ended["status"], ended["error"]["code"]) == ("failed", code)
    assert nearest in ended["error"]["detail"]


async def test_trades_of_a_portfolio_are_not_drawn_anew(jiwoo: Person) -> None:
    job = await asks(jiwoo)
    await jiwoo.gets(job)
    refused = await jiwoo.call("GET", f"/results/{job['id']}/monte-carlo", 422)
    assert "overlap" in refused["detail"]


async def test_who_knows_format_1_only_refuses_a_portfolio_by_its_number(jiwoo: Person) -> None:
    kept = await jiwoo.call("POST", "/strategies", 201, json=STRATEGY)
    assert kept["format"] == document.PORTFOLIO_FORMAT
    refused = await jiwoo.call("POST", "/strategies", 422, json={**STRATEGY, "format": 1})
    assert "format" in refused["errors"][0]["message"]


@pytest.mark.parametrize(
    ("asked", "valid"),
    [
        ({"rule": "per > 0"}, False),
        ({"rule": "per > 0", "figures": True}, True),
        ({"rule": "roc(20)"}, False),
        ({"rule": "roc(20)", "number": True}, True),
        ({"rule": "per", "number": True}, False),
        ({"rule": "per", "number": True, "figures": True}, True),
        ({"rule": "close > 1", "number": True}, False),
    ],
)
async def test_a_portfolio_s_rules_are_checked_as_it_would_read_them(
    jiwoo: Person, asked: dict[str, Any], *, valid: bool
) -> None:
    answer = await jiwoo.call("POST", "/rules/check", json=asked)
    assert answer["valid"] is valid, answer


@pytest.mark.requirement("R-8", "product 4: a backtest makes the risk checks that paper trading makes")
async def test_a_run_carries_an_accounts_limits_and_says_which_orders_they_refused(jiwoo: Person) -> None:
    limits = {"order_value_max": "4500000", "restricted_symbols": ["KRX:035420"], "daily_trades_max": 3}
    wanted = {"risk_limits": limits, "engine": "event_driven"}
    result = await jiwoo.gets(await asks(jiwoo, **wanted))
    carried = result["assumptions"]["risk_limits"]
    assert {name: carried[name] for name in limits} == limits | {"restricted_symbols": ["035420"]}
    refused = result["refused"]
    assert refused["count"] == len(refused["items"]) > 0
    assert {one["reason"] for one in refused["items"]} >= {"fat_finger_value", "restricted_symbol"}
    assert {one["symbol"] for one in refused["items"] if one["reason"] == "restricted_symbol"} == {"035420"}
    for one in refused["items"]:
        if one["reason"] == "fat_finger_value":
            assert float(one["price"]) * one["quantity"] > 4_500_000
            assert one["detail"].startswith("An order may be worth 4500000 KRW, this one is worth ")
    free = await jiwoo.gets(await asks(jiwoo, engine="event_driven"))
    assert (free["assumptions"]["risk_limits"], free["refused"]) == (None, {"count": 0, "items": []})
    assert free["fingerprint"] != result["fingerprint"]


async def test_limits_want_the_engine_that_sends_orders_and_names_that_exist(jiwoo: Person) -> None:
    kept = await jiwoo.call("POST", "/strategies", 201, json=STRATEGY)
    asked = {"strategy_id": kept["id"], **PERIOD, "risk_limits": {"daily_trades_max": 1}}
    refused = await jiwoo.call("POST", "/run", 422, json=asked)
    assert refused["errors"][0]["field"] == "risk_limits"
    assert "event_driven" in refused["errors"][0]["message"]
    odd = {**asked, "engine": "event_driven", "risk_limits": {"orders_per_second_max": 1}}
    unknown = await jiwoo.call("POST", "/run", 422, json=odd)
    assert unknown["errors"][0]["field"].endswith("orders_per_second_max")
    bad = {**asked, "engine": "event_driven", "risk_limits": {"restricted_symbols": ["?"]}}
    assert "restricted_symbols" in (await jiwoo.call("POST", "/run", 422, json=bad))["errors"][0]["field"]
