"""Every source reads what its fake sends, obeys its limits, and says what a failure means."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakefeeds.world import Fault, World
from market.providers import caller
from market.providers.caller import end_of_day
from market.providers.catalogue import Catalogue, SettingMissing
from market.providers.port import (
    Blocked,
    Limited,
    NotAllowed,
    NotOffered,
    ProviderError,
    RawBar,
    UnknownSymbol,
    Unreachable,
    Unreadable,
)
from pydantic import SecretStr
from quant.markets.symbols import INDICES

Open = Callable[..., Catalogue]
FIRST, SPLIT, LAST = date(2024, 1, 2), date(2024, 9, 2), date(2024, 12, 13)
SERIES = ("krx_portal", "kis", "naver", "yahoo")
ROUTES = {"krx_portal": "krx", "krx_open_api": "krxapi", "alpha_vantage": "av"}


def sent(world: World, symbol: str, first: date = FIRST, last: date = LAST) -> list[RawBar]:
    issue = world.issues[symbol]
    return [
        RawBar(symbol, str(one.day), *(str(v) for v in (one.open, one.high, one.low, one.close, one.volume)))
        for one in issue.days
        if first <= one.day <= last
    ]


@pytest.mark.parametrize("source", SERIES)
async def test_a_series_arrives_whole_and_oldest_first(opened: Open, world: World, source: str) -> None:
    (provider,) = opened(source).providers
    bars = list(await provider.fetch_series("000010", "KRX", FIRST, LAST))
    expected = sent(world, "000010")
    if source == "yahoo":  # has no halted days
        expected = [bar for bar in expected if bar.open != "0"]
    assert bars == expected
    few = await provider.fetch_series("000010", "KRX", date(2024, 3, 4), date(2024, 3, 8))
    assert [bar.date for bar in few] == [f"2024-03-0{day}" for day in range(4, 9)]


@pytest.mark.parametrize("index", sorted(INDICES))
@pytest.mark.parametrize("source", ["krx_portal", "naver", "yahoo"])
async def test_an_index_is_asked_for_under_the_name_it_has_there(
    opened: Open, world: World, indices: None, source: str, index: str
) -> None:
    (provider,) = opened(source).providers
    span = (date(2024, 3, 4), date(2024, 3, 8))
    bars = await provider.fetch_series(index, "KRX", *span)
    told = [bar._replace(volume="") for bar in bars]
    assert told == [bar._replace(volume="") for bar in sent(world, index, *span)]


async def test_who_has_no_index_says_so(opened: Open, indices: None) -> None:
    (provider,) = opened("kis").providers
    with pytest.raises(NotOffered, match="KOSPI200"):
        await provider.fetch_series("KOSPI200", "KRX", FIRST, LAST)


@pytest.mark.parametrize("source", SERIES)
async def test_raw_sources_keep_a_split_and_adjusted_ones_do_not(opened: Open, world: World, source: str) -> None:
    (provider,) = opened(source).providers
    around = (SPLIT - timedelta(days=3), SPLIT)
    before, after = await provider.fetch_series("000020", "KRX", *around)
    jumps = float(before.close) / float(after.close) > 40
    assert jumps == (provider.provenance.adjustment == "raw")


async def test_alpha_vantage_gives_us_symbols(opened: Open, world: World) -> None:
    (provider,) = opened("alpha_vantage").providers
    bars = await provider.fetch_series("EXO", "US", date(2024, 12, 9), LAST)
    assert [bar.date for bar in bars] == [f"2024-12-{day:02d}" for day in range(9, 14)]
    raw = sent(world, "EXO")[-1]
    assert bars[-1].close == f"{int(raw.close) / 100:.4f}"
    with pytest.raises(NotOffered):
        await provider.fetch_series("000010", "KRX", FIRST, LAST)


@pytest.mark.parametrize("source", ["krx_open_api", "krx_portal"])
async def test_a_whole_board_on_a_day_and_nothing_on_a_holiday(opened: Open, world: World, source: str) -> None:
    (provider,) = opened(source).providers
    bars = await provider.fetch_day("KOSPI", LAST)
    assert list(bars) == [sent(world, symbol)[-1] for symbol in ("000010", "000020")]
    assert [bar.symbol for bar in await provider.fetch_day("KOSDAQ", LAST)] == ["000030"]
    assert list(await provider.fetch_day("KOSPI", date(2024, 12, 14))) == []


@pytest.mark.parametrize(
    ("source", "symbol", "market"),
    [(source, "999999", "KRX") for source in SERIES] + [("alpha_vantage", "ZZZZ", "US")],
)
async def test_an_unknown_symbol_is_told_as_such(opened: Open, source: str, symbol: str, market: Any) -> None:
    (provider,) = opened(source).providers
    with pytest.raises(UnknownSymbol):
        await provider.fetch_series(symbol, market, FIRST, LAST)


FAULTS: list[tuple[Fault, type[ProviderError]]] = [
    ("500", Unreachable),
    ("403", Blocked),
    ("429", Limited),
    ("truncated", Unreadable),
]


@pytest.mark.requirement("R-35")
@pytest.mark.parametrize(("fault", "failure"), FAULTS)
@pytest.mark.parametrize("source", SERIES)
async def test_a_fault_that_lasts_is_told_by_its_kind(
    opened: Open, world: World, source: str, fault: Fault, failure: type[ProviderError]
) -> None:
    (provider,) = opened(source).providers
    await provider.fetch_series("000010", "KRX", FIRST, LAST)  # logged in, token and codes at hand
    world.fail(ROUTES.get(source, source), *[fault] * 3)
    with pytest.raises(failure):
        await provider.fetch_series("000010", "KRX", FIRST, LAST)


@pytest.mark.parametrize("fault", ["500", "truncated"])
@pytest.mark.parametrize("source", ["krx_portal", "kis", "yahoo"])
async def test_a_fault_that_passes_is_overcome_with_growing_pauses(
    opened: Open, world: World, slept: list[float], source: str, fault: Fault
) -> None:
    (provider,) = opened(source).providers
    await provider.fetch_series("000010", "KRX", FIRST, LAST)
    slept.clear()
    world.fail(ROUTES.get(source, source), fault, fault)
    bars = await provider.fetch_series("000010", "KRX", FIRST, LAST)
    assert bars
    assert [pause for pause in slept if pause in {0.5, 1.0}][-2:] == [0.5, 1.0]


class TestKrxPortal:
    async def test_a_session_that_ended_is_begun_anew_once(self, opened: Open, world: World) -> None:
        (provider,) = opened("krx_portal").providers
        await provider.fetch_day("KOSPI", LAST)
        world.fail("krx", "login_page")
        assert await provider.fetch_day("KOSPI", LAST)
        assert world.calls["krx.login"] == 4, "each log-in says at the second try that it means it"

    async def test_a_log_in_page_after_a_log_in_means_that_we_are_shut_out(self, opened: Open, world: World) -> None:
        (provider,) = opened("krx_portal").providers
        world.fail("krx", "login_page", "login_page")
        with pytest.raises(Blocked, match="log-in page"):
            await provider.fetch_day("KOSPI", LAST)

    async def test_a_wrong_password_is_for_a_person_to_mend(self, opened: Open, world: World) -> None:
        world.password = "another"
        (provider,) = opened("krx_portal", krx_portal_password=SecretStr("wrong")).providers
        with pytest.raises(NotAllowed, match="CD002"):
            await provider.fetch_day("KOSPI", LAST)

    async def test_a_long_range_is_asked_for_in_pieces_of_two_years(self, opened: Open, world: World) -> None:
        (provider,) = opened("krx_portal").providers
        bars = await provider.fetch_series("000010", "KRX", date(2015, 1, 1), LAST)
        assert list(bars) == sent(world, "000010")
        assert world.calls["krx"] == 6, "the list of codes, and five pieces"


class TestLimitsOfADay:
    async def test_the_official_interface_blocks_until_midnight_in_seoul(self, opened: Open, world: World) -> None:
        (provider,) = opened("krx_open_api").providers
        world.daily_calls_max["krxapi"] = 1
        await provider.fetch_day("KOSPI", LAST)
        with pytest.raises(Blocked) as blocked:
            await provider.fetch_day("KOSDAQ", LAST)
        assert blocked.value.until == datetime(2024, 12, 14, 15, 0, tzinfo=UTC)

    async def test_a_key_without_the_service_is_told_what_to_apply_for(self, opened: Open, world: World) -> None:
        (provider,) = opened("krx_open_api", krx_open_api_key=SecretStr("another")).providers
        with pytest.raises(NotAllowed, match="apply for stk_bydd_trd"):
            await provider.fetch_day("KOSPI", LAST)

    async def test_alpha_vantage_blocks_after_its_free_calls(self, opened: Open, world: World) -> None:
        (provider,) = opened("alpha_vantage").providers
        world.daily_calls_max["av"] = 1
        await provider.fetch_series("EXO", "US", FIRST, LAST)
        with pytest.raises(Blocked) as blocked:
            await provider.fetch_series("EXO", "US", FIRST, LAST)
        assert blocked.value.until == datetime(2024, 12, 14, 5, 0, tzinfo=UTC)

    async def test_a_key_that_kis_does_not_know_is_for_a_person_to_mend_and_no_block(self, opened: Open) -> None:
        (provider,) = opened("kis", kis_key=SecretStr("another")).providers
        with pytest.raises(NotAllowed, match="EGW00103"):
            await provider.fetch_series("000010", "KRX", FIRST, LAST)

    async def test_kis_waits_a_second_and_goes_on(self, opened: Open, world: World, slept: list[float]) -> None:
        (provider,) = opened("kis").providers
        world.daily_calls_max["kis"] = 2
        bars = await provider.fetch_series("000010", "KRX", FIRST, LAST)
        assert list(bars) == sent(world, "000010")
        assert 1.0 in slept
        assert world.calls["kis"] == 4, "three pages and one refusal"
        assert world.calls["kis.token"] == 1

    def test_midnight_is_the_sources_own(self) -> None:
        assert end_of_day(datetime(2024, 12, 14, 14, 59, tzinfo=UTC), 9) == datetime(2024, 12, 14, 15, tzinfo=UTC)
        assert end_of_day(datetime(2024, 12, 14, 15, 0, tzinfo=UTC), 9) == datetime(2024, 12, 15, 15, tzinfo=UTC)


async def test_a_source_keeps_its_pace_and_gives_up_on_an_endless_answer(
    opened: Open, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    (provider,) = opened("naver").providers
    await provider.fetch_series("000010", "KRX", FIRST, LAST)
    slept.clear()
    await provider.fetch_series("000010", "KRX", FIRST, LAST)
    assert 0.3 < slept[0] <= 0.5
    monkeypatch.setattr(caller, "ANSWER_BYTES_MAX", 100)
    with pytest.raises(Unreadable, match="MiB"):
        await provider.fetch_series("000010", "KRX", FIRST, LAST)


async def test_a_folder_is_a_source_too(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "000010.csv").write_text(
        "Date,Open,High,Low,Close,Volume\n2024-12-13,1,2,1,2,5\n2024-12-12,1,2,1,2,4\n"
    )
    (tmp_path / "000020.csv").write_text("nonsense\n")
    (provider,) = opened("files", files_folder=tmp_path).providers
    bars = await provider.fetch_series("000010", "KRX", FIRST, LAST)
    assert bars == [
        RawBar("000010", "2024-12-12", "1", "2", "1", "2", "4"),
        RawBar("000010", "2024-12-13", "1", "2", "1", "2", "5"),
    ]
    with pytest.raises(UnknownSymbol):
        await provider.fetch_series("000030", "KRX", FIRST, LAST)
    with pytest.raises(Unreadable, match="lacks date"):
        await provider.fetch_series("000020", "KRX", FIRST, LAST)


def test_a_source_without_its_key_says_which_setting_is_missing(opened: Open) -> None:
    with pytest.raises(SettingMissing, match="MARKET_KIS_SECRET"):
        opened("kis", kis_secret=None)
    with pytest.raises(SettingMissing, match="MARKET_FILES_FOLDER"):
        opened("files")
