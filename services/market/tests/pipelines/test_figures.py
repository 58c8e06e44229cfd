"""Figures beside prices: collected with the day since when they are known, and never seen before it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fakefeeds.world import World
from kit.db import Database
from market.domain.figures import Accounts, Disclosure, Ratios, ratios_of
from market.panels import Panels
from market.pipelines.figures import Figures, collect_figures
from market.providers.dart import Filing, report_of
from market.providers.failover import Failover
from market.providers.port import Blocked, NotAllowed
from market.store import fundamentals, panels
from pydantic import SecretStr

DAY = date(2024, 12, 13)
PREFIX = "/api/v1/market"


@pytest.fixture
def figures(database: Database, opened: Any, clock: Any) -> Any:
    """`await figures(day)`: what the pipeline reports."""
    catalogue = opened("krx_portal")
    failover = Failover(catalogue.providers, clock)

    async def progress(_done: int, _total: int) -> None:
        return

    async def run(day: date = DAY) -> dict[str, Any]:
        sources = Figures(catalogue.portal, catalogue.dart)
        return await collect_figures(database, failover, sources, "KRX", day, progress)

    return run


@pytest.fixture
async def stocks(upload: Any, bars_csv: Any) -> None:
    rows = [f"{DAY - timedelta(days=back)},100,110,90,100,5," for back in (4, 3, 2, 1, 0)]
    files = {f"{symbol}.csv": bars_csv(*rows) for symbol in ("000010", "000020")}
    assert (await upload(files)).status_code == 201


async def test_a_day_of_figures_is_stored_and_shown(
    figures: Any, stocks: None, user: httpx.AsyncClient, people: Any
) -> None:
    await user.post(f"{PREFIX}/watchlists", json={"name": "mine", "symbols": ["000010", "999999"]})
    await people.of("user").post(f"{PREFIX}/watchlists", json={"name": "theirs", "symbols": ["000010"]})
    assert await figures() == {"valuations": 3, "flows": 1, "disclosures": 4, "failed": []}
    assert await figures() == {"valuations": 3, "flows": 1, "disclosures": 4, "failed": []}

    (known,) = (await user.get(f"{PREFIX}/fundamentals/000010")).json()["items"]
    assert (known["per"], known["pbr"], known["eps"]) == ("7.74", "1.41", "6461")
    assert (known["debt_ratio"], known["current_ratio"], known["roe"]) == ("100", "200", None), (
        "of the quarterly report"
    )
    (loss,) = (await user.get(f"{PREFIX}/fundamentals/000020")).json()["items"]
    assert (loss["per"], loss["bps"]) == (None, "35342")
    days = {"from": "2024-12-01", "to": "2024-12-31"}
    (flow,) = (await user.get(f"{PREFIX}/investors/000010", params=days)).json()["items"]
    assert (flow["institution"], flow["individual"]) == ("-562644916900", "870709684700")
    assert sum(Decimal(flow[name]) for name in ("individual", "institution", "foreigner", "corporation")) == 0
    (filed,) = (await user.get(f"{PREFIX}/disclosures/000010")).json()["items"]
    assert (filed["title"], filed["known_since"]) == ("분기보고서 (2026.09)", str(DAY))
    assert filed["url"].endswith(filed["receipt_no"])
    early = {"as_of": str(DAY - timedelta(days=1))}
    assert (await user.get(f"{PREFIX}/disclosures/000010", params=early)).json()["items"] == []
    assert (await user.get(f"{PREFIX}/disclosures/999999")).status_code == 404
    assert (await user.get(f"{PREFIX}/investors/999999")).status_code == 404


async def test_a_part_that_fails_holds_up_no_other_and_a_block_is_not_tried_again(
    figures: Any, stocks: None, world: World
) -> None:
    world.fail("krx", "403")
    report = await figures()
    assert report["disclosures"] == 4
    assert [line.partition(":")[0] for line in report["failed"]] == ["valuations", "flows"]
    assert "left alone until 2024-12-14 15:00 UTC" in report["failed"][1]
    assert world.calls["krx"] == 1


async def test_a_report_and_a_valuation_do_not_hide_each_other_and_neither_is_seen_early(
    database: Database, stocks: None
) -> None:
    def told(days_back: int, source: str, **values: int) -> Ratios:
        named = {name: Decimal(value) for name, value in values.items()}
        return Ratios("000010", DAY - timedelta(days=days_back), named, source)

    async with database.system() as session:
        await fundamentals.save_ratios(
            session,
            [
                told(4, "krx_portal", per=10, pbr=1),
                told(3, "dart", roe=12),
                told(2, "krx_portal", per=11, pbr=1),
                told(1, "krx_portal"),  # a loss: the old PER is not true any more
            ],
        )
        await panels.save_revision(session, "KRX")
    kept = await Panels().get(database, "KRX", DAY)
    assert kept is not None
    frame = kept[1].frame
    first = {name: [None if value != value else value for value in frame[name][:5]] for name in ("per", "roe")}  # noqa: PLR0124 - NaN
    assert first == {"per": [10, 10, 11, None, None], "roe": [None, 12, 12, 12, 12]}


class TestDart:
    async def test_ratios_follow_from_the_accounts_of_the_whole_group_since_they_were_filed(self, opened: Any) -> None:
        def filing(title: str) -> Filing:
            return Filing(Disclosure("20240312000736", "000010", "하나", title, date(2024, 3, 12), "dart"), "00000001")

        dart = opened().dart
        ratios = await dart.fetch_ratios(filing("[기재정정]사업보고서 (2023.12)"))
        assert ratios.known_since == date(2024, 3, 12)
        expected = {"roe": 10, "roa": 5, "debt_ratio": 100, "current_ratio": 200}
        assert {name: float(value) for name, value in ratios.values.items()} == expected
        quarter = await dart.fetch_ratios(filing("분기보고서 (2023.03)"))
        assert set(quarter.values) == {"debt_ratio", "current_ratio"}, "a quarter's profit is no year's"
        assert await dart.fetch_ratios(filing("사업보고서 (2022.12)")) is None
        assert await dart.fetch_ratios(filing("주요사항보고서(유상증자결정)")) is None

    @pytest.mark.parametrize(
        ("title", "report"),
        [
            ("사업보고서 (2023.12)", ("2023", "11011")),
            ("반기보고서 (2024.06)", ("2024", "11012")),
            ("분기보고서 (2024.03)", ("2024", "11013")),
            ("분기보고서 (2024.09)", ("2024", "11014")),
            ("분기보고서 (2024.12)", None),
            ("임원ㆍ주요주주특정증권등소유상황보고서", None),
        ],
    )
    def test_a_title_tells_which_report_it_is(self, title: str, report: tuple[str, str] | None) -> None:
        assert report_of(title) == report

    async def test_a_bad_key_and_spent_calls_are_told_apart(self, opened: Any, world: World) -> None:
        with pytest.raises(NotAllowed):
            await opened(dart_key=SecretStr("another")).dart.fetch_filings(DAY)
        world.daily_calls_max["dart"] = 1
        with pytest.raises(Blocked):
            await opened().dart.fetch_filings(DAY)

    def test_nothing_is_said_about_a_company_without_equity(self) -> None:
        assert ratios_of(Accounts(liabilities=Decimal(5), equity=Decimal(-1), year_profit=Decimal(3))) == {}
