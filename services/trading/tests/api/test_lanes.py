"""Back-pressure on a real port: what is accepted is kept, too much is refused fast, and a cancel always passes."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from kit.clock import now
from kit.db import Database
from kit.testing.serving import serving
from kit.testing.tokens import Tokens
from redis.asyncio import Redis
from sqlalchemy import text
from trading.api.lanes import NEVER_REFUSED, ORDERS, Lanes
from trading.app import create_app
from trading.backlog import Backlog, Progress
from trading.config import Settings

from services.trading.tests.api.conftest import Trader, publish
from services.trading.tests.conftest import People

CAPACITY = 4
PATIENCE_SECONDS = 30
FLOOD = 5 * CAPACITY
ROUNDS = 10
REFUSALS = 200
REFUSAL_CPU_MS_MAX = 10
COUNT = text("SELECT count(*) FROM orders WHERE owner_id = :owner AND id = ANY(CAST(:ids AS uuid[]))")


@pytest.fixture
def app(settings: Settings, tokens: Tokens) -> FastAPI:
    narrow = settings.model_copy(update={"orders_under_way_max": CAPACITY, "others_under_way_max": CAPACITY})
    return create_app(narrow, tokens.verifier)


@pytest_asyncio.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on a real port."""
    limits = httpx.Limits(max_connections=None)
    async with serving(app) as address, httpx.AsyncClient(base_url=address, limits=limits, timeout=60) as opened:
        yield opened


def refusal_is_complete(answer: httpx.Response) -> bool:
    body = answer.json()
    says = (answer.status_code, body["code"], answer.headers["retry-after"], answer.headers["content-type"])
    return says == (503, "overloaded", "1", "application/problem+json")


@pytest.mark.requirement("R-31")
async def test_five_times_too_many_orders_are_accepted_and_kept_or_refused_with_a_word(
    trader: Trader, symbol: str, database: Database, redis: "Redis", app: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    account, counts = await trader.opens(cash="10000000000"), Counter[int]()
    accepted, answers = [], []

    async def post() -> httpx.Response:
        return await trader.caller.post("/trading/orders", trader.order(account, symbol, quantity="1"))

    for _ in range(ROUNDS):
        await publish(redis, symbol)  # a busy machine takes longer over all of it than a quote stays fresh
        answers += await asyncio.gather(*(post() for _ in range(FLOOD)))
    for answer in answers:
        counts[answer.status_code] += 1
        if answer.status_code == 201:
            accepted.append(answer.json()["id"])
        else:
            assert refusal_is_complete(answer), answer.text
    async with database.system() as session:
        kept = await session.scalar(COUNT, {"owner": trader.caller.id, "ids": accepted})
    assert kept == len(accepted) >= ROUNDS * CAPACITY, "whatever else came, as many as there is room for got through"
    assert counts[503] > 0
    assert app.state.lanes.now == {"orders": 0, "other": 0}, "every place is given back"
    with capsys.disabled():
        print(f"\n  back-pressure: {len(answers)} sent at {FLOOD} for {CAPACITY} places, {dict(counts)}, all kept")  # noqa: T201


@pytest.mark.requirement("R-31")
async def test_a_full_lane_refuses_cheaply_and_lets_cancels_and_the_kill_switch_through(
    trader: Trader, symbol: str, app: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    account = await trader.opens()
    first, second = [
        (await trader.caller.post("/trading/orders", trader.order(account, symbol, quantity="1"))).json()["id"]
        for _ in range(2)
    ]
    lanes: Lanes = app.state.lanes
    lanes.now.update(orders=CAPACITY, other=CAPACITY)
    began = time.process_time()
    for _ in range(REFUSALS):
        assert refusal_is_complete(await trader.caller.post("/trading/orders", trader.order(account, symbol)))
    each_ms = (time.process_time() - began) / REFUSALS * 1e3
    assert each_ms < REFUSAL_CPU_MS_MAX, "client, server and the test itself, together"
    assert refusal_is_complete(await trader.caller.get("/trading/orders"))
    assert (await trader.caller.delete(f"/trading/orders/{first}")).status_code == 202
    assert (await trader.caller.delete(f"/trading/orders?account_id={account}")).json()["order_ids"] == [first, second]
    assert (await trader.caller.post("/trading/halt", {})).status_code == 200
    lanes.now.update(orders=0, other=0)
    assert (await trader.caller.get("/trading/halts")).json()["items"][0]["level"] == "user"
    with capsys.disabled():
        print(f"\n  back-pressure: a refusal costs {each_ms:.1f} ms of processor time, the client's included")  # noqa: T201


@pytest.mark.requirement("R-31")
async def test_what_waits_for_its_broker_holds_up_new_orders_and_nothing_else(
    trader: Trader, symbol: str, app: FastAPI, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading.backlog.GETS_ON_SECONDS", 2 * PATIENCE_SECONDS)  # however busy this machine is
    account, progress = await trader.opens(), Progress(redis)
    backlog: Backlog = app.state.lanes.backlog
    backlog.most = 1
    await progress.tell(now())

    async def posts(key: str | None = None) -> httpx.Response:
        headers = trader.caller.headers | ({"Idempotency-Key": key} if key else {})
        body = trader.order(account, symbol, quantity="1")
        return await trader.caller.api.post("/api/v1/trading/orders", headers=headers, json=body)

    async def reads() -> datetime | None:
        found = await progress.read()
        asyncio.get_running_loop().call_soon(looked.set)
        return found

    backlog.read, looked = reads, asyncio.Event()
    first, second = await posts(), await posts("a-key")
    assert (first.status_code, second.status_code) == (201, 201)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await looked.wait()
    kept = [await posts(), await posts("another")]
    assert all(refusal_is_complete(answer) for answer in kept)
    assert (await trader.caller.get("/trading/orders")).status_code == 200
    assert (await trader.caller.delete(f"/trading/orders/{first.json()['id']}")).status_code == 202
    await progress.tell(now())
    assert backlog.looking is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        await backlog.looking
    assert (await posts("another")).status_code == 201, "which was not begun before"


@pytest.mark.requirement("R-31")
async def test_a_flood_of_reads_takes_no_place_of_an_order(trader: Trader, symbol: str, app: FastAPI) -> None:
    account = await trader.opens()
    app.state.lanes.now["other"] = CAPACITY
    placed = await trader.caller.post("/trading/orders", trader.order(account, symbol, quantity="1"))
    assert placed.status_code == 201


@pytest.mark.requirement("R-31")
async def test_nobody_without_a_token_keeps_a_place(people: People, app: FastAPI) -> None:
    for path in ("/api/v1/trading/orders", "/api/v1/trading/accounts"):
        assert (await people.nobody().post(path, json={})).status_code == 401
    assert app.state.lanes.now == {"orders": 0, "other": 0}


def test_every_lane_is_named_after_routes_that_exist(app: FastAPI) -> None:
    methods = [method for path in app.openapi()["paths"].values() for method in path.values()]
    names = {method["operationId"] for method in methods}
    assert names >= ORDERS | NEVER_REFUSED, (ORDERS | NEVER_REFUSED) - names
    public = [method for method in methods if "internal" not in method["tags"]]
    assert all("`overloaded`" in method["responses"]["503"]["description"] for method in public)
