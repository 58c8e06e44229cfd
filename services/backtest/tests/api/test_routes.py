"""Every route as nobody, as a stranger, as the owner, and with what nobody should send."""

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import httpx
import polars as pl
import pytest
import pytest_asyncio
from backtest.domain.run import RUNS_WAITING_MAX, RunId
from backtest.usecases.execute_run import Errand, execute_run
from backtest.workshop import Workshop
from fastapi import FastAPI
from kit.ids import new_id
from kit.pagination import encode_cursor
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens

from services.backtest.tests.builders import CROSS, ENTRY, EXIT
from services.backtest.tests.people import queue_of, work_off

BASE = "/api/v1/backtest"
STRATEGY = {"name": "RSI with the trend", "entry": ENTRY, "exit": EXIT, "stop_loss": "0.05"}
SWEEP = {
    "symbol": "KRX:005930",
    "entry": CROSS.entry,
    "exit": CROSS.exit,
    "parameters": {"fast": [5, 10], "slow": [40, 60.5 - 0.5]},
}
ID = "0193ce6d-a46c-7f37-9be5-5d94800cda77"
ANOTHER = "0193ce6d-a46c-7f37-9be5-5d94800cda78"
ROUTES = [
    ("POST", "/strategies", STRATEGY),
    ("GET", "/strategies", None),
    ("GET", "/strategies/templates", None),
    ("POST", "/strategies/import", {"kis_yaml": "version: 1.0"}),
    ("GET", f"/strategies/{ID}", None),
    ("PUT", f"/strategies/{ID}", STRATEGY),
    ("POST", f"/strategies/{ID}/publish", None),
    ("POST", "/rules/check", {"rule": ENTRY}),
    ("POST", "/run", {"strategy_id": ID, "symbol": "005930"}),
    ("POST", "/optimize", SWEEP),
    ("POST", "/walk-forward", SWEEP),
    ("POST", "/cross-validate", SWEEP),
    ("GET", "/runs", None),
    ("DELETE", f"/runs/{ID}", None),
    ("GET", f"/jobs/{ID}", None),
    ("DELETE", f"/jobs/{ID}", None),
    ("GET", f"/jobs/{ID}/events", None),
    ("GET", f"/results/{ID}", None),
    ("GET", f"/results/{ID}/trades", None),
    ("GET", f"/results/{ID}/equity", None),
    ("GET", f"/results/{ID}/trials", None),
    ("GET", f"/results/{ID}/heatmap?x=fast&y=slow", None),
    ("GET", f"/results/{ID}/monte-carlo", None),
    ("GET", f"/results/{ID}/report.html", None),
    ("GET", f"/results/{ID}/files/trades.csv", None),
    ("GET", f"/compare?runs={ID}&runs={ANOTHER}", None),
]


class Person:
    """Somebody with a token, and the worker at hand that computes what they ask for."""

    def __init__(self, http: httpx.AsyncClient, workshop: Workshop, token: str, owner: UUID) -> None:
        self.http, self.workshop, self.owner = http, workshop, owner
        self.headers = {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, status: int = 200, **asked: Any) -> Any:
        answer = await self.http.request(method, BASE + path, headers=self.headers, **asked)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def strategy(self, **changed: Any) -> Any:
        return await self.call("POST", "/strategies", 201, json={**STRATEGY, **changed})

    async def asks(self, **terms: Any) -> Any:
        strategy = await self.strategy()
        asked = {"strategy_id": strategy["id"], "symbol": "005930", **terms}
        return await self.call("POST", "/run", 202, json=asked)

    async def computes(self, job: Any) -> None:
        await execute_run(self.workshop, Errand(self.owner, RunId(UUID(job["id"])), new_id()))
        await work_off(self.workshop, queue_of(self.workshop))

    async def gets(self, job: Any, what: str = "", **query: Any) -> Any:
        await self.computes(job)
        return await self.call("GET", f"/results/{job['id']}{what}", params=query)


@pytest_asyncio.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(app) as opened:
        yield opened


def person(http: httpx.AsyncClient, workshop: Workshop, tokens: Tokens) -> Person:
    owner = uuid4()
    return Person(http, workshop, tokens.for_user(owner), owner)


@pytest.fixture
def jiwoo(http: httpx.AsyncClient, workshop: Workshop, tokens: Tokens) -> Person:
    return person(http, workshop, tokens)


@pytest.fixture
def stranger(http: httpx.AsyncClient, workshop: Workshop, tokens: Tokens) -> Person:
    return person(http, workshop, tokens)


@pytest.mark.requirement("R-42")
async def test_nobody_gets_in_without_a_token(http: httpx.AsyncClient) -> None:
    for method, path, body in ROUTES:
        answer = await http.request(method, BASE + path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing"), path


async def test_the_table_of_routes_is_complete(app: FastAPI) -> None:
    offered = {
        (method.upper(), path.removeprefix(BASE).format(strategy_id=ID, run_id=ID, file="trades.csv"))
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if not path.startswith("/internal/")
    }
    assert offered == {(method, path.partition("?")[0]) for method, path, _ in ROUTES}


@pytest.mark.requirement("R-38")
async def test_what_is_somebody_elses_does_not_exist(jiwoo: Person, stranger: Person) -> None:
    job, strategy = await jiwoo.asks(), await jiwoo.strategy()
    await jiwoo.gets(job)
    for method, path, body in ROUTES:
        if ID not in f"{path} {body}":
            continue
        theirs = strategy["id"] if "strateg" in path or path == "/run" else job["id"]
        named = {**body, "strategy_id": theirs} if body and "strategy_id" in body else body
        seen = await stranger.call(method, path.replace(ID, theirs), 404, json=named)
        unknown = await stranger.call(method, path, 404, json=body)
        ids = {"request_id": "", "trace_id": ""}
        assert {**seen, **ids} == {**unknown, **ids}


async def test_lists_show_only_ones_own(jiwoo: Person, stranger: Person) -> None:
    await jiwoo.asks()
    for path in ("/strategies", "/runs"):
        assert len((await jiwoo.call("GET", path))["items"]) == 1
        assert await stranger.call("GET", path) == {"items": [], "next_cursor": None}


class TestStrategies:
    async def test_a_strategy_is_kept_shown_listed_and_revised(self, jiwoo: Person) -> None:
        kept = await jiwoo.strategy(description="buys dips")
        assert kept["stop_loss"] == "0.05"
        assert kept["version"] is None
        assert await jiwoo.call("GET", f"/strategies/{kept['id']}") == kept
        revised = await jiwoo.call("PUT", f"/strategies/{kept['id']}", json={**STRATEGY, "stop_loss": None})
        assert revised["stop_loss"] is None
        assert (await jiwoo.call("GET", "/strategies"))["items"] == [revised]

    async def test_every_part_of_a_document_comes_back_as_it_was_written(self, jiwoo: Person) -> None:
        parts = {"take_profit": "0.2", "trailing_stop": "0.08", "holding_bars": 30, "portion": "0.5"}
        parts |= {"fee_schedule": "free", "slippage": "0.001", "volume_share": "0.1", "format": 1}
        kept = await jiwoo.strategy(**parts)
        assert {name: kept[name] for name in parts} == parts
        published = await jiwoo.call("POST", f"/strategies/{kept['id']}/publish", 201)
        assert {name: published[name] for name in parts} == parts

    async def test_a_template_is_taken_over_as_it_is(self, jiwoo: Person) -> None:
        for template in await jiwoo.call("GET", "/strategies/templates"):
            written = {name: value for name, value in template.items() if name not in {"key", "name_ko"}}
            kept = await jiwoo.call("POST", "/strategies", 201, json=written)
            assert {**kept, **written} == kept

    async def test_a_share_of_the_volume_wants_the_engine_that_knows_volume(self, jiwoo: Person) -> None:
        kept = await jiwoo.strategy(volume_share="0.1")
        asked = {"strategy_id": kept["id"], "symbol": "005930"}
        refused = await jiwoo.call("POST", "/run", 422, json=asked)
        assert refused["errors"][0]["field"] == "volume_share"
        assert "event_driven" in refused["detail"]
        await jiwoo.call("POST", "/run", 202, json={**asked, "engine": "event_driven"})

    async def test_publishing_twice_says_that_nothing_is_new(self, jiwoo: Person) -> None:
        kept = await jiwoo.strategy()
        first = await jiwoo.call("POST", f"/strategies/{kept['id']}/publish", 201)
        assert first["version"] == 1
        assert await jiwoo.call("POST", f"/strategies/{kept['id']}/publish", 200) == first
        assert (await jiwoo.call("GET", f"/strategies/{kept['id']}"))["version"] == 1

    async def test_a_list_comes_in_pages_newest_first(self, jiwoo: Person) -> None:
        kept = [(await jiwoo.strategy(name=f"number {number}"))["id"] for number in range(5)]
        seen, cursor = [], None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = await jiwoo.call("GET", "/strategies", params=query)
            seen += [item["id"] for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert seen == kept[::-1]

    async def test_rules_that_do_not_compile_are_named_with_their_column(self, jiwoo: Person) -> None:
        refused = await jiwoo.call("POST", "/strategies", 422, json={**STRATEGY, "entry": "rsi(14) <", "exit": "1"})
        assert refused["code"] == "invalid_rule"
        assert [error["field"] for error in refused["errors"]] == ["entry", "exit"]
        assert "column" in refused["errors"][0]["message"]

    @pytest.mark.requirement("R-35")
    @pytest.mark.parametrize(
        "wrong",
        [
            {"stop_loss": 0.05},
            {"stop_loss": "1"},
            {"stop_loss": "0"},
            {"stop_loss": "NaN"},
            {"name": ""},
            {"name": "   "},
            {"name": "a\u0000b"},
            {"name": "x" * 101},
            {"entry": "close > 1" + " " * 1_000},
            {"owner_id": ID},
        ],
    )
    async def test_what_cannot_be_a_strategy_is_refused_by_field(self, jiwoo: Person, wrong: dict[str, Any]) -> None:
        refused = await jiwoo.call("POST", "/strategies", 422, json={**STRATEGY, **wrong})
        assert [error["field"] for error in refused["errors"]] == list(wrong)

    async def test_a_rule_is_checked(self, jiwoo: Person) -> None:
        fine = await jiwoo.call("POST", "/rules/check", json={"rule": ENTRY})
        assert fine == {"valid": True, "error": None, "error_ko": None, "column": None}
        wrong = await jiwoo.call("POST", "/rules/check", json={"rule": "rsi(14) < 30 and clos > 1"})
        assert (wrong["valid"], wrong["column"]) == (False, 18)
        assert "close" in wrong["error"]
        assert "찾으셨나요" in wrong["error_ko"]


class TestRuns:
    async def test_a_backtest_goes_from_request_to_result(self, jiwoo: Person) -> None:
        job = await jiwoo.asks(**{"from": "2015-06-01", "to": "2018-06-01"})
        assert (job["status"], job["kind"], job["progress"]) == ("queued", "backtest", {"done": 0, "total": 1})
        early = await jiwoo.call("GET", f"/results/{job['id']}", 409)
        assert (early["code"], early["run_status"]) == ("not_finished", "queued")
        result = await jiwoo.gets(job)
        assert result["kind"] == "backtest"
        assert isinstance(result["metrics"]["total_return"], float)
        assert isinstance(result["metrics"]["trades"], int)
        assert result["metrics"]["equity_final"].isdigit()
        assert result["first_date"] == "2015-06-01"
        assert result["assumptions"]["initial_cash"] == "10000000"
        assert len(result["fingerprint"]) == 64
        done = await jiwoo.call("GET", f"/jobs/{job['id']}")
        assert (done["status"], done["progress"], done["error"]) == ("done", {"done": 1, "total": 1}, None)
        (listed,) = (await jiwoo.call("GET", "/runs"))["items"]
        assert (listed["id"], listed["status"], listed["symbol"]) == (job["id"], "done", "005930")

    async def test_trades_and_equity_come_in_pages(self, jiwoo: Person) -> None:
        job = await jiwoo.asks()
        result = await jiwoo.gets(job)
        for what, length in (("/trades", None), ("/equity", result["bars"])):
            whole = (await jiwoo.gets(job, what, limit=500))["items"]
            first = await jiwoo.gets(job, what, limit=2)
            second = await jiwoo.gets(job, what, limit=2, cursor=first["next_cursor"])
            assert first["items"] + second["items"] == whole[:4]
            assert length is None or len(whole) == min(500, length)
        trade = (await jiwoo.gets(job, "/trades"))["items"][0]
        assert {type(trade[name]) for name in ("entry_price", "profit", "costs")} == {str}
        assert (await jiwoo.gets(job, "/trials"))["items"] == []

    async def test_a_sweep_goes_from_request_to_the_best_parameters(self, jiwoo: Person) -> None:
        job = await jiwoo.call("POST", "/optimize", 202, json=SWEEP)
        assert (job["kind"], job["progress"]["total"]) == ("optimize", 4)
        result = await jiwoo.gets(job)
        assert (result["trials"], result["objective"], len(result["items"])) == (4, "total_return", 4)
        assert result["best"] == result["items"][0]
        assert set(result["best"]["parameters"]) == {"fast", "slow"}
        returns = [item["metrics"]["total_return"] for item in result["items"]]
        assert returns == sorted(returns, reverse=True)
        trials = await jiwoo.gets(job, "/trials", limit=3)
        assert [item["rank"] for item in trials["items"]] == [1, 2, 3]
        assert trials["next_cursor"]
        for what in ("/trades", "/equity"):
            assert (await jiwoo.gets(job, what))["items"] == []

    async def test_dollars_have_cents(self, jiwoo: Person) -> None:
        result = await jiwoo.gets(await jiwoo.asks(symbol="US:AAPL", initial_cash="100000.50"))
        assert result["assumptions"]["currency"] == "USD"
        assert "." in result["metrics"]["equity_final"]

    async def test_a_failed_run_says_why(self, jiwoo: Person) -> None:
        job = await jiwoo.asks(symbol="MSFT")
        await execute_run(jiwoo.workshop, Errand(jiwoo.owner, RunId(UUID(job["id"])), new_id()))
        shown = await jiwoo.call("GET", f"/jobs/{job['id']}")
        assert (shown["status"], shown["error"]["code"]) == ("failed", "no_bars")
        refused = await jiwoo.call("GET", f"/results/{job['id']}", 409)
        assert (refused["code"], refused["detail"]) == ("run_failed", shown["error"]["detail"])

    @pytest.mark.requirement("R-32")
    async def test_too_many_runs_are_refused_with_a_code(self, jiwoo: Person) -> None:
        for _ in range(RUNS_WAITING_MAX):
            await jiwoo.call("POST", "/optimize", 202, json=SWEEP)
        refused = await jiwoo.call("POST", "/optimize", 429, json=SWEEP)
        assert refused["code"] == "too_many_runs"

    @pytest.mark.requirement("R-35")
    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"symbol": "삼성전자"}, "symbol"),
            ({"symbol": 5930}, "symbol"),
            ({"initial_cash": 10_000_000.0}, "initial_cash"),
            ({"initial_cash": "1"}, "initial_cash"),
            ({"initial_cash": "1e30"}, "initial_cash"),
            ({"from": "2020-13-01"}, "from"),
            ({"from": "2020-01-02", "to": "2020-01-01"}, "body"),
            ({"objective": "luck"}, "objective"),
            ({"parameters": {}}, "parameters"),
            ({"parameters": {"fast": [], "slow": [40]}}, "parameters.fast"),
            ({"parameters": {"fast": ["5"], "slow": [40]}}, "parameters.fast.0"),
            ({"parameters": {"fast": [True], "slow": [40]}}, "parameters.fast.0"),
            ({"parameters": {"fast": [1e300], "slow": [40]}}, "parameters.fast.0"),
            ({"parameters": {"fast": list(range(1, 1_002)), "slow": [40]}}, "parameters.fast"),
            ({"parameters": {"fast": list(range(1, 502)), "slow": list(range(1, 202))}}, "parameters"),
            ({"parameters": {"fast": [5]}}, "parameters"),
            ({"entry": "sma({fast}) > sma({slow}) and foo > 1"}, "entry"),
        ],
    )
    async def test_what_cannot_be_computed_is_refused_by_field(
        self, jiwoo: Person, wrong: dict[str, Any], field: str
    ) -> None:
        refused = await jiwoo.call("POST", "/optimize", 422, json={**SWEEP, **wrong})
        assert refused["errors"][0]["field"] == field

    async def test_cursors_that_are_not_ours_are_refused(self, jiwoo: Person) -> None:
        trades = f"/results/{(await jiwoo.asks())['id']}/trades"
        await jiwoo.gets({"id": trades.split("/")[2]})
        for cursor in ("nonsense", encode_cursor(-1), encode_cursor(10**17), encode_cursor("x"), "x" * 401):
            for path in ("/strategies", "/runs", trades):
                await jiwoo.call("GET", path, 422, params={"cursor": cursor})

    async def test_an_id_that_is_none_is_refused(self, jiwoo: Person) -> None:
        for path in ("/jobs/1", "/results/1", "/strategies/1"):
            await jiwoo.call("GET", path, 422)


class TestReports:
    async def test_a_page_shows_the_result_and_what_it_rests_on(self, jiwoo: Person) -> None:
        job = await jiwoo.asks()
        result = await jiwoo.gets(job)
        answer = await jiwoo.http.get(f"{BASE}/results/{job['id']}/report.html", headers=jiwoo.headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        for shown in (result["fingerprint"], "rsi(14) &lt; 45", "005930", "<svg", "compiled", "Trades on the price"):
            assert shown in answer.text
        assert "<script" not in answer.text

    async def test_files_hold_every_trade_and_every_close(self, jiwoo: Person) -> None:
        job = await jiwoo.asks()
        result = await jiwoo.gets(job)
        for file, read in (("csv", pl.read_csv), ("parquet", pl.read_parquet)):
            tables = []
            for what in ("trades", "equity"):
                url = f"{BASE}/results/{job['id']}/files/{what}.{file}"
                answer = await jiwoo.http.get(url, headers=jiwoo.headers)
                assert answer.status_code == 200
                tables.append(read(BytesIO(answer.content)))
            trades, equity = tables
            assert len(equity) == result["bars"]
            assert trades.filter(pl.col("reason") != "open").height == result["metrics"]["trades"]
            assert round(trades["costs"].sum()) == pytest.approx(int(result["costs"]), abs=1)

    async def test_a_sweep_has_a_page_and_empty_files(self, jiwoo: Person) -> None:
        job = await jiwoo.call("POST", "/optimize", 202, json=SWEEP)
        await jiwoo.gets(job)
        page = await jiwoo.http.get(f"{BASE}/results/{job['id']}/report.html", headers=jiwoo.headers)
        assert page.status_code == 200
        file = await jiwoo.http.get(f"{BASE}/results/{job['id']}/files/equity.csv", headers=jiwoo.headers)
        assert file.text == "date,equity\n"
