"""Charts: every interval, raw and adjusted, and how far one may look."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from kit.db import Database
from market.chart_cache import Asked, ChartCache
from market.store import charts
from sqlalchemy import text

Upload = Callable[..., Awaitable[httpx.Response]]
BarsCsv = Callable[..., bytes]
PREFIX = "/api/v1/market"

# Two weeks around a split of one into fifty on Friday 2018-05-04, halted for three days before it.
WEEKS = (
    "2018-04-26,2521000,2610000,2520000,2607000,358000,",
    "2018-04-27,2669000,2682000,2622000,2650000,606216,",
    "2018-04-30,0,0,0,2650000,0,",
    "2018-05-02,0,0,0,2650000,0,",
    "2018-05-03,0,0,0,2650000,0,",
    "2018-05-04,53000,53900,51800,51900,39565391,",
    "2018-05-08,52600,53200,51900,52600,23104720,",
)
SPLIT = {"ex_day": "2018-05-04", "kind": "split", "price_factor": "0.02", "volume_factor": "50"}


@pytest_asyncio.fixture
async def bars(upload: Upload, bars_csv: BarsCsv) -> None:
    assert (await upload({"005930.csv": bars_csv(*WEEKS)})).status_code == 201


async def chart(user: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    asked = {"from": "2018-04-26", "to": "2018-05-08"} | query
    answer = await user.get(f"{PREFIX}/charts/005930", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_chart_asked_again_is_answered_from_memory_until_its_bars_change(
    user: httpx.AsyncClient, bars: None, upload: Upload, bars_csv: BarsCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    find = charts.find_chart

    async def counted(*given: Any, **named: Any) -> str:
        nonlocal asked
        asked += 1
        return await find(*given, **named)

    monkeypatch.setattr(charts, "find_chart", counted)
    first = await chart(user)
    assert await chart(user) == first
    assert asked == 1
    assert await chart(user, adjusted="false") == first
    assert asked == 2
    await upload({"005930.csv": bars_csv(WEEKS[-1].replace("52600,23104720", "52700,23104721"))})
    assert (await chart(user))[-1]["close"] == "52700"


@pytest.mark.requirement("R-35")
def test_kept_charts_are_bounded_by_their_size_and_the_longest_unasked_go_first() -> None:
    cache = ChartCache(bytes_max=30)
    one, two, three, four = (Asked(name, "1d", date.min, date.max, adjusted=True) for name in "abcd")
    for asked in (one, two, three):
        cache.save(asked, 1, b"x" * 10)
    assert cache.find(one, 1) == b"x" * 10
    assert cache.find(one, 2) is None
    cache.save(four, 1, b"y" * 15)
    assert [cache.find(asked, 1) is not None for asked in (one, two, three, four)] == [True, False, False, True]
    cache.save(one, 2, b"z" * 31)
    assert all(cache.find(asked, 2) is None for asked in (one, two, three, four))


async def test_a_split_adjusts_earlier_prices_and_volumes_and_raw_stays_raw(
    user: httpx.AsyncClient, admin: httpx.AsyncClient, bars: None
) -> None:
    assert (await admin.put(f"{PREFIX}/corporate-actions/005930", json=SPLIT)).status_code == 200
    adjusted, raw = await chart(user), await chart(user, adjusted="false")
    assert (adjusted[1]["close"], adjusted[1]["volume"]) == ("53000", 30310800)
    assert (raw[1]["close"], raw[1]["volume"]) == ("2650000", 606216)
    assert adjusted[5:] == raw[5:]
    assert (adjusted[2]["open"], adjusted[2]["close"], adjusted[2]["halted"]) == ("0", "53000", True)
    changes = await user.get(
        f"{PREFIX}/indicators/005930", params={"expr": "pct_change(1)", "from": "2018-05-04", "to": "2018-05-04"}
    )
    assert changes.json()["values"]["value"] == [pytest.approx(51900 / 53000 - 1)]
    jumped = await user.post(f"{PREFIX}/screen", json={"rule": "pct_change(2) < -0.5", "as_of": "2018-05-08"})
    assert jumped.json()["matched"] == 0

    place = f"{PREFIX}/corporate-actions/005930/2018-05-04/split"
    assert (await admin.delete(place)).status_code == 204
    assert (await admin.delete(place)).json()["code"] == "action_not_found"
    assert await chart(user) == raw


async def test_factors_of_several_actions_multiply(
    user: httpx.AsyncClient, admin: httpx.AsyncClient, bars: None
) -> None:
    later = SPLIT | {"ex_day": "2018-05-08", "kind": "bonus", "price_factor": "0.5", "volume_factor": "2"}
    for action in (SPLIT, later):
        await admin.put(f"{PREFIX}/corporate-actions/005930", json=action)
    assert [bar["close"] for bar in await chart(user)] == [
        "26070",
        "26500",
        "26500",
        "26500",
        "26500",
        "25950",
        "52600",
    ]
    listed = (await user.get(f"{PREFIX}/corporate-actions/005930")).json()["items"]
    assert [item["kind"] for item in listed] == ["split", "bonus"]


async def test_bars_that_came_adjusted_are_not_adjusted_again(
    user: httpx.AsyncClient, admin: httpx.AsyncClient, upload: Upload, bars_csv: BarsCsv
) -> None:
    await upload({"005930.csv": bars_csv(*WEEKS)}, adjustment="adjusted")
    await admin.put(f"{PREFIX}/corporate-actions/005930", json=SPLIT)
    assert await chart(user) == await chart(user, adjusted="false")
    assert (await user.get(f"{PREFIX}/stocks/005930")).json()["adjustment"] == "adjusted"


async def test_weeks_and_months_are_whole_and_halts_leave_only_their_close(user: httpx.AsyncClient, bars: None) -> None:
    weeks = await chart(user, interval="1w", **{"from": "2018-04-27"})
    assert weeks[0] == {
        "time": "2018-04-23",
        "open": "2521000",
        "high": "2682000",
        "low": "2520000",
        "close": "2650000",
        "volume": 964216,
        "halted": False,
    }
    assert [(week["time"], week["open"], week["close"]) for week in weeks[1:]] == [
        ("2018-04-30", "53000", "51900"),
        ("2018-05-07", "52600", "52600"),
    ]
    months = await chart(user, interval="1M")
    assert [(month["time"], month["open"], month["volume"]) for month in months] == [
        ("2018-04-01", "2521000", 964216),
        ("2018-05-01", "53000", 62670111),
    ]
    halted = await chart(user, interval="1w", **{"from": "2018-04-30", "to": "2018-05-03"})
    assert (halted[0]["open"], halted[0]["close"], halted[0]["halted"]) == ("0", "2650000", True)


async def test_minutes_roll_up_to_longer_bars(user: httpx.AsyncClient, bars: None, app: FastAPI) -> None:
    database: Database = app.state.resources.database
    begin = datetime(2018, 5, 8, 0, 0, tzinfo=UTC)
    insert = text("INSERT INTO minute_bars VALUES ('005930', :at, :open, :high, :low, :close, 10, 'test')")
    async with database.system() as session:
        for place in range(12):
            price = 100 + place
            values = {"open": price, "high": price + 2, "low": price - 1, "close": price + 1}
            await session.execute(insert, values | {"at": begin + timedelta(minutes=place)})
    one, five = (
        await chart(user, interval="1m", **{"from": "2018-05-08"}),
        await chart(user, interval="5m", **{"from": "2018-05-08"}),
    )
    assert len(one) == 12
    assert one[0]["time"] == "2018-05-08T00:00:00Z"
    assert five[0] == {
        "time": "2018-05-08T00:00:00Z",
        "open": "100",
        "high": "106",
        "low": "99",
        "close": "105",
        "volume": 50,
        "halted": False,
    }
    newest = await user.get(f"{PREFIX}/charts/005930", params={"interval": "1m", "to": "2018-05-08"})
    assert newest.json()["items"] == one
    assert [bar["time"][11:16] for bar in five] == ["00:00", "00:05", "00:10"]
    hour = await chart(user, interval="1h", **{"from": "2018-05-08"})
    assert (len(hour), hour[0]["close"], hour[0]["volume"]) == (1, "112", 120)


@pytest.mark.requirement("R-35")
async def test_ten_years_of_minutes_are_not_for_one_question(
    user: httpx.AsyncClient, admin: httpx.AsyncClient, bars: None
) -> None:
    wide = {"from": "2008-01-01", "to": "2018-01-01"}
    for interval in ("1m", "5m", "15m", "1h"):
        answer = await user.get(f"{PREFIX}/charts/005930", params=wide | {"interval": interval})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_range")
    assert (await user.get(f"{PREFIX}/charts/005930", params={"interval": "2m"})).status_code == 422
    assert (await user.put(f"{PREFIX}/corporate-actions/005930", json=SPLIT)).status_code == 403
    for wrong in ({"price_factor": "0"}, {"price_factor": "1e9"}, {"kind": "magic"}, {"ex_day": "soon"}):
        answer = await admin.put(f"{PREFIX}/corporate-actions/005930", json=SPLIT | wrong)
        assert answer.status_code == 422, wrong
    assert (await admin.put(f"{PREFIX}/corporate-actions/000660", json=SPLIT)).json()["code"] == "stock_not_found"
