"""Through the API: strategies taken over from another program, and runs compared with one another."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from backtest.workshop import Workshop
from fastapi import FastAPI
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens

from services.backtest.tests.api.test_routes import SWEEP, Person


@pytest_asyncio.fixture
async def jiwoo(app: FastAPI, workshop: Workshop, tokens: Tokens) -> AsyncIterator[Person]:
    async with client(app) as http:
        owner = uuid4()
        yield Person(http, workshop, tokens.for_user(owner), owner)


async def test_a_kis_file_is_kept_as_a_strategy_or_refused_where_it_is_wrong(jiwoo: Person) -> None:
    condition = "{indicator: rsi_1, operator: %s, value: 30}"
    entry, leave = (f"{{conditions: [{condition % sign}]}}" for sign in ("less_than", "greater_than"))
    text = f"metadata: {{name: Low}}\nstrategy:\n  indicators: [{{id: rsi}}]\n  entry: {entry}\n  exit: {leave}\n"
    kept = await jiwoo.call("POST", "/strategies/import", 201, json={"kis_yaml": text})
    assert await jiwoo.call("GET", f"/strategies/{kept['id']}") == kept
    assert (kept["entry"], kept["exit"], kept["stop_loss"]) == ("rsi(14) < 30", "rsi(14) > 30", None)
    refused = await jiwoo.call("POST", "/strategies/import", 422, json={"kis_yaml": text.replace("id: rsi", "id: rsj")})
    assert refused["code"] == "invalid_strategy_file"
    assert refused["errors"][0]["field"] == "line 3, column 21"


@pytest.mark.requirement("product 4: comparison of runs")
async def test_runs_are_compared_on_the_days_that_all_of_them_have(jiwoo: Person) -> None:
    spans = ({"from": "2015-06-01", "to": "2018-06-01"}, {"from": "2016-06-01", "symbol": "US:AAPL"})
    jobs = [await jiwoo.asks(**span) for span in spans]
    ended = [await jiwoo.gets(job) for job in jobs]
    asked = [("runs", job["id"]) for job in jobs]
    shown = await jiwoo.call("GET", "/compare", params=asked)
    for figure in ("metrics", "entry"):
        assert [item[figure] for item in shown["items"]] == [result[figure] for result in ended]
    assert shown["dates"][0] >= max(item["first_date"] for item in shown["items"])
    assert shown["dates"][-1] <= min(item["last_date"] for item in shown["items"])
    assert {len(item["worth"]) for item in shown["items"]} == {len(shown["dates"])}
    assert [item["correlations"][place] for place, item in enumerate(shown["items"])] == [pytest.approx(1)] * 2
    sweep = await jiwoo.call("POST", "/optimize", 202, json=SWEEP)
    await jiwoo.gets(sweep)
    for wrong in ([asked[0], asked[0]], [asked[0], ("runs", sweep["id"])]):
        refused = await jiwoo.call("GET", "/compare", 422, params=wrong)
        assert refused["code"] == "not_of_this_kind"
