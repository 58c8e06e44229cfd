"""Searches through the API: what is refused, followed, canceled, removed, and what their results say."""

import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from backtest.usecases.execute_run import Errand, execute_run
from backtest.workshop import Workshop
from fastapi import FastAPI
from kit.ids import new_id
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens

from services.backtest.tests.api.test_routes import SWEEP, Person
from services.backtest.tests.people import queue_of


@pytest_asyncio.fixture
async def jiwoo(app: FastAPI, workshop: Workshop, tokens: Tokens) -> AsyncIterator[Person]:
    async with client(app) as http:
        owner = uuid4()
        yield Person(http, workshop, tokens.for_user(owner), owner)


async def events(answer: httpx.Response) -> list[tuple[str, int]]:
    pieces = [piece.splitlines() for piece in answer.text.strip().split("\n\n")]
    return [(piece[0].removeprefix("event: "), json.loads(piece[2][6:])["progress"]["done"]) for piece in pieces]


@pytest.mark.parametrize(
    ("asked", "field", "nearest"),
    [
        ({"method": "random"}, "trials", "tries 1 to 4 of these 4 combinations; ask for 4"),
        ({"method": "tpe", "trials": 5}, "trials", "ask for 4"),
        ({"trials": 3}, "trials", "ask for the method random or tpe"),
        (
            {"parameters": {"fast": list(range(1, 502)), "slow": list(range(1, 202))}},
            "parameters",
            "at most 100,000 combinations, this one has 100,701",
        ),
    ],
)
async def test_a_search_that_cannot_be_is_refused_with_the_nearest_that_can(
    jiwoo: Person, asked: dict[str, object], field: str, nearest: str
) -> None:
    refused = await jiwoo.call("POST", "/optimize", 422, json={**SWEEP, **asked})
    assert refused["errors"][0]["field"] == field
    assert nearest in refused["detail"]


async def test_a_finished_sweep_has_a_file_a_map_and_a_word_on_luck(jiwoo: Person) -> None:
    job = await jiwoo.call("POST", "/optimize", 202, json=SWEEP)
    result = await jiwoo.gets(job)
    assert (result["deflated_sharpe"] < 0.95) == (result["warning"] is not None)
    trials = {tuple(item["parameters"].values()): item["metrics"] for item in result["items"]}
    seen = await jiwoo.call("GET", f"/results/{job['id']}/heatmap", params={"x": "fast", "y": "slow"})
    assert (seen["x"], seen["y"]) == ([5, 10], [40, 60])
    assert seen["cells"] == [[trials[fast, slow]["sharpe"] for fast in (5, 10)] for slow in (40, 60)]
    refused = await jiwoo.call("GET", f"/results/{job['id']}/heatmap", 422, params={"x": "fast", "y": "fast"})
    assert "fast, slow" in refused["detail"]
    await jiwoo.call("GET", f"/results/{job['id']}/monte-carlo", 422)


async def test_a_backtest_in_other_luck_repeats_with_its_seed(jiwoo: Person) -> None:
    job = await jiwoo.asks()
    result = await jiwoo.gets(job)
    first, again = [await jiwoo.call("GET", f"/results/{job['id']}/monte-carlo?draws=200&seed=3") for _ in range(2)]
    assert first == again
    assert first["trades"] == result["metrics"]["trades"]
    assert float(first["equity_final"]["low"]) <= float(first["equity_final"]["high"])


@pytest.mark.parametrize(
    ("path", "more", "parts"),
    [
        ("/walk-forward", {"train_bars": 250, "test_bars": 100}, ("windows", 7)),
        ("/cross-validate", {"folds": 4, "purge_bars": 10}, ("folds", 4)),
    ],
)
async def test_a_choice_tested_elsewhere_shows_its_parts(
    jiwoo: Person, path: str, more: dict[str, int], parts: tuple[str, int]
) -> None:
    job = await jiwoo.call("POST", path, 202, json={**SWEEP, "objective": "sharpe", **more})
    result = await jiwoo.gets(job)
    assert result["kind"] == path[1:].replace("-", "_")
    assert len(result[parts[0]]) == parts[1]
    assert set(result[parts[0]][0]["parameters"]) == {"fast", "slow"}


async def test_a_job_is_followed_to_its_end(jiwoo: Person) -> None:
    job = await jiwoo.call("POST", "/optimize", 202, json=SWEEP)
    await jiwoo.gets(job)
    answer = await jiwoo.http.get(f"/api/v1/backtest/jobs/{job['id']}/events", headers=jiwoo.headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert await events(answer) == [("end", 4)]


async def test_a_job_is_canceled_then_removed_and_then_is_no_more(jiwoo: Person) -> None:
    job = await jiwoo.call("POST", "/optimize", 202, json=SWEEP)
    await execute_run(jiwoo.workshop, Errand(jiwoo.owner, UUID(job["id"]), new_id()))  # type: ignore[arg-type]
    assert queue_of(jiwoo.workshop).tickets
    await jiwoo.call("DELETE", f"/runs/{job['id']}", 409)
    canceled = await jiwoo.call("DELETE", f"/jobs/{job['id']}")
    assert canceled["status"] == "canceled"
    await jiwoo.call("GET", f"/results/{job['id']}", 409)
    removed = await jiwoo.http.delete(f"/api/v1/backtest/runs/{job['id']}", headers=jiwoo.headers)
    assert removed.status_code == 204
    await jiwoo.call("GET", f"/jobs/{job['id']}", 404)
