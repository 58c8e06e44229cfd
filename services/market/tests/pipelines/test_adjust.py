"""A jump in raw prices is explained by a split that a source knows of, if the two agree; the rest is for a person."""

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fakefeeds.fixtures import SPLIT
from fakefeeds.world import Issue, World
from kit.db import Database
from market.pipelines.adjust import explain_jumps
from market.providers.failover import Failover
from market.providers.port import Unreadable
from market.providers.yahoo import read_splits

SYMBOL = "000020"
CHART = f"/api/v1/market/charts/{SYMBOL}?interval=1d&from=2024-08-28&to=2024-09-04"


@pytest_asyncio.fixture
async def jumped(world: World, upload: Any, bars_csv: Any) -> None:
    """Raw prices that were divided by fifty on the day of the split."""
    days = [day for day in world.issues[SYMBOL].days if date(2024, 8, 28) <= day.day <= date(2024, 9, 4)]
    lines = [f"{each.day},{each.open},{each.high},{each.low},{each.close},{each.volume}," for each in days]
    assert (await upload({f"{SYMBOL}.csv": bars_csv(*lines)})).status_code == 201


async def explained(database: Database, catalogue: Any, clock: Any) -> dict[str, Any]:
    failover = Failover(catalogue.providers, clock)
    return await explain_jumps(database, failover, catalogue.yahoo, "KRX", date(2024, 9, 4))


@pytest.mark.usefixtures("jumped")
async def test_a_split_that_a_source_knows_explains_the_jump_and_adjusts_what_was_before(
    database: Database, opened: Any, clock: Any, admin: httpx.AsyncClient
) -> None:
    catalogue = opened("yahoo")
    report = await explained(database, catalogue, clock)
    assert [(each["symbol"], each["day"]) for each in report["recorded_splits"]] == [(SYMBOL, str(SPLIT))]
    assert report["unexplained_jumps"] == []
    [action] = (await admin.get(f"/api/v1/market/corporate-actions/{SYMBOL}")).json()["items"]
    assert (action["ex_day"], action["kind"], action["source"]) == (str(SPLIT), "split", "yahoo")
    assert (action["price_factor"], action["volume_factor"]) == ("0.02", "50")
    closes = [Decimal(bar["close"]) for bar in (await admin.get(CHART)).json()["items"]]
    assert max(closes) / min(closes) < Decimal("1.1")
    assert await explained(database, catalogue, clock) == {"recorded_splits": [], "unexplained_jumps": []}


@pytest.mark.usefixtures("jumped")
async def test_a_split_that_does_not_fit_the_jump_is_left_to_a_person(
    database: Database, opened: Any, clock: Any, world: World
) -> None:
    known = world.issues[SYMBOL]
    world.issues[SYMBOL] = Issue(SYMBOL, known.isin, known.name, known.board, known.days, SPLIT, 5)
    report = await explained(database, opened("yahoo"), clock)
    assert [each["day"] for each in report["unexplained_jumps"]] == [str(SPLIT)]
    assert report["recorded_splits"] == []


@pytest.mark.usefixtures("jumped")
async def test_without_a_source_or_while_it_fails_a_jump_is_left_to_a_person_and_the_reason_is_told(
    database: Database, opened: Any, clock: Any, world: World
) -> None:
    assert len((await explained(database, opened("naver"), clock))["unexplained_jumps"]) == 1
    world.fail("yahoo", *["login_page"] * 9)
    report = await explained(database, opened("yahoo"), clock)
    assert len(report["unexplained_jumps"]) == 1
    assert report["passed_over"][0].startswith("yahoo: ")


@pytest.mark.parametrize("split", [{"numerator": 0, "denominator": 1}, {"numerator": 1}, {"numerator": "many"}])
def test_a_split_that_makes_no_sense_is_unreadable(split: dict[str, Any]) -> None:
    result = {"meta": {"gmtoffset": 0}, "events": {"splits": {"1": {"date": 1_725_235_200} | split}}}
    with pytest.raises(Unreadable):
        read_splits("EXO", {"chart": {"result": [result], "error": None}})
