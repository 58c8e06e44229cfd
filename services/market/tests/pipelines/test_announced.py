"""Paid-in issues, bonus issues and reductions adjust the prices before them, in the reading that prices agree with."""

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fakefeeds.world import World
from kit.db import Database
from market.domain.announced import reduction_factor, rights_factor
from market.pipelines.announced import record_announced
from market.providers.failover import Failover
from market.providers.kis_actions import announced_of
from market.providers.port import Unreadable

BEFORE, EX_DAY, RECORD_DAY = "2024-12-11", "2024-12-12", "20241213"
RIGHTS = {
    "record_date": RECORD_DAY,
    "sht_cd": "",
    "tot_issue_stk_qty": "10,000,000",
    "issue_stk_qty": "2,000,000",
    "fix_rate": "0.2000000",
    "disc_rate": "25.00",
    "fix_price": "7,000",
    "right_dt": "2024/12/12",
    "sub_term_ft": "2025/01/20",
    "sub_term": "2025/01/21",
    "list_date": "2025/02/10",
    "stk_kind": "보통",
}
BONUS = {name: value for name, value in RIGHTS.items() if name not in {"fix_price", "disc_rate"}}
REDUCTION = {
    "record_date": "20241101",
    "sht_cd": "",
    "stk_kind": "보통",
    "reduce_cap_type": "무상감자",
    "reduce_cap_rate": "10.00",
    "comp_way": "주식병합",
    "td_stop_dt": "2024/10/31 ~ 2024/12/11",
    "list_dt": "2024/12/12",
}


def test_the_theory_of_the_price_after_a_right() -> None:
    assert rights_factor(Decimal(10_000), Decimal("0.2"), Decimal(7_000)) == Decimal("0.95")  # 9,500 won
    assert rights_factor(Decimal(10_000), Decimal(1), Decimal(0)) == Decimal("0.5")
    assert rights_factor(Decimal(10_000), Decimal("0.2"), Decimal(12_000)) == 1
    assert reduction_factor(Decimal("0.1")) == 10


Recorded = Any


@pytest.fixture
def announced(  # noqa: PLR0917 - fixtures
    database: Database, opened: Any, clock: Any, upload: Any, bars_csv: Any, symbol: str, world: World
) -> Recorded:
    """`await announced(path, row, last, close)`: what the pipeline says, with these raw closes around the day."""

    async def run(path: str, row: dict[str, str], last: int, close: int) -> dict[str, Any]:
        lines = [f"{day},{price},{price},{price},{price},100," for day, price in ((BEFORE, last), (EX_DAY, close))]
        assert (await upload({f"{symbol}.csv": bars_csv(*lines)})).status_code == 201
        world.announced = {path: [row | {"sht_cd": symbol}]}
        catalogue = opened("kis")
        failover = Failover(catalogue.providers, clock)
        return await record_announced(database, failover, catalogue.kis, "KRX", date(2024, 12, 13))

    return run


async def factors_of(admin: httpx.AsyncClient, symbol: str) -> list[tuple[str, str, str, str]]:
    told = (await admin.get(f"/api/v1/market/corporate-actions/{symbol}")).json()["items"]
    return [(one["ex_day"], one["kind"], one["price_factor"], one["volume_factor"]) for one in told]


@pytest.mark.parametrize("rate", ["0.2000000", "20.00"])
async def test_a_paid_in_issue_adjusts_by_the_theory_whether_its_rate_is_a_fraction_or_percent(
    announced: Recorded, admin: httpx.AsyncClient, symbol: str, rate: str
) -> None:
    report = await announced("paidin-capin", RIGHTS | {"fix_rate": rate}, 10_000, 9_600)
    assert [one["symbol"] for one in report["recorded_actions"]] == [symbol]
    assert await factors_of(admin, symbol) == [(EX_DAY, "rights", "0.95", "1.05263158")]
    chart = await admin.get(f"/api/v1/market/charts/{symbol}?interval=1d&from={BEFORE}&to={EX_DAY}")
    assert [Decimal(bar["close"]) for bar in chart.json()["items"]] == [9_500, 9_600]


async def test_a_bonus_issue_and_a_reduction_adjust_by_their_rates(
    announced: Recorded, admin: httpx.AsyncClient, symbol: str
) -> None:
    more = {"fix_rate": "1.00", "issue_stk_qty": "9,800,000"}
    assert "recorded_actions" in await announced("bonus-issue", BONUS | more, 10_000, 5_200)
    assert await factors_of(admin, symbol) == [(EX_DAY, "bonus", "0.5", "2")]


async def test_a_reduction_is_read_as_the_price_says(
    announced: Recorded, admin: httpx.AsyncClient, symbol: str
) -> None:
    assert "recorded_actions" in await announced("cap-dcrs", REDUCTION, 1_000, 11_200)
    assert await factors_of(admin, symbol) == [(EX_DAY, "reduction", "10", "0.1")]


async def test_what_the_price_contradicts_is_left_to_a_person_and_what_is_known_is_left_alone(
    announced: Recorded, admin: httpx.AsyncClient, symbol: str
) -> None:
    report = await announced("cap-dcrs", REDUCTION, 1_000, 1_010)
    assert [one["day"] for one in report["doubtful_actions"]] == [EX_DAY]
    assert await factors_of(admin, symbol) == []
    told = {"ex_day": EX_DAY, "kind": "reduction", "price_factor": "5", "volume_factor": "0.2"}
    assert (await admin.put(f"/api/v1/market/corporate-actions/{symbol}", json=told)).status_code == 200
    assert await announced("cap-dcrs", REDUCTION, 1_000, 10_000) == {}
    assert await factors_of(admin, symbol) == [(EX_DAY, "reduction", "5", "0.2")]


def test_a_row_that_is_not_settled_yet_is_passed_over_and_one_that_makes_no_sense_is_unreadable() -> None:
    row = RIGHTS | {"sht_cd": "000010"}
    assert announced_of("rights", row) is not None
    assert announced_of("rights", row | {"fix_price": "0"}) is None
    assert announced_of("rights", row | {"right_dt": "  "}) is None
    for bad in ({"fix_rate": "many"}, {"right_dt": "2024/13/45"}, {"fix_rate": "-1"}):
        with pytest.raises(Unreadable):
            announced_of("rights", row | bad)
    with pytest.raises(Unreadable):
        announced_of("rights", {"sht_cd": "000010"})


async def test_a_full_page_is_asked_for_in_halves(
    announced: Recorded, world: World, opened: Any, clock: Any, database: Database
) -> None:
    world.announced = {
        "bonus-issue": [BONUS | {"sht_cd": f"{day:02}{place:04}", "record_date": f"202412{day:02}"}
                        for day in (2, 16) for place in range(60)]
    }  # fmt: skip
    catalogue = opened("kis")
    failover = Failover(catalogue.providers, clock)
    assert await record_announced(database, failover, catalogue.kis, "KRX", date(2024, 12, 13)) == {}
    assert world.calls["kis.ksd"] == 5  # rights, bonus and its halves, reductions
