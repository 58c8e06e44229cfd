"""Failover: the next source when one fails or cannot be believed, and nobody asks a source that shut us out."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fakefeeds.world import Fault, World
from market.domain.breaker import Breaker
from market.providers.catalogue import Catalogue
from market.providers.failover import Collected, Failover, NoSource

Open = Callable[..., Catalogue]
SPAN = (date(2024, 1, 2), date(2024, 12, 13))


@pytest.fixture
def failover(opened: Open, clock: Any) -> Callable[..., Failover]:
    def build(*sources: str, **more: Any) -> Failover:
        return Failover(opened(*sources).providers, clock, **more)

    return build


async def asked(failover: Failover, symbol: str = "000010") -> Collected:
    return await failover.series(symbol, "KOSPI", "stock", SPAN)


@pytest.mark.parametrize("fault", ["500", "429", "403", "truncated", "login_page", "hundredfold", "contradicted_day"])
async def test_the_second_source_answers_when_the_first_cannot_be_used(
    failover: Any, world: World, fault: Fault
) -> None:
    sources = failover("kis", "naver")
    world.fail("kis", *[fault] * 3)
    collected = await asked(sources)
    assert collected.provenance.source == "naver"
    assert collected.believed.rows.height == len(world.issues["000010"].days)
    assert collected.passed_over[0].startswith("kis: ")


async def test_a_split_that_an_adjusted_source_forgot_is_not_believed(failover: Any, world: World) -> None:
    sources = failover("naver", "krx_portal")
    world.fail("naver", "unadjusted_split")
    collected = await asked(sources, "000020")
    assert collected.provenance.source == "krx_portal"
    assert "without adjustment" in collected.passed_over[0]
    told = {finding.code: finding.examples for finding in collected.believed.findings}
    assert told["jump"] == ("000020 2024-09-02",), "a raw source's split is kept, and told"


async def test_a_day_told_twice_in_the_same_words_counts_once_and_a_gap_is_told(failover: Any, world: World) -> None:
    world.fail("naver", "duplicated_day")
    assert (await asked(failover("naver"))).believed.rows.height == len(world.issues["000010"].days)
    world.fail("naver", "gap")
    gap = await asked(failover("naver"))
    assert [one.rows for one in gap.believed.findings if one.code == "missing_session"] == [2]


async def test_nobody_gives_an_answer_and_each_reason_is_told(failover: Any, world: World) -> None:
    world.fail("kis", *["500"] * 3)
    world.fail("naver", "hundredfold")
    with pytest.raises(NoSource) as none:
        await asked(failover("kis", "naver"))
    assert [reason.partition(":")[0] for reason in none.value.reasons] == ["kis", "naver"]


async def test_a_block_lasts_a_day_and_survives_a_restart(failover: Any, world: World, clock: Any) -> None:
    kept: list[Breaker] = []

    async def keep(breaker: Breaker) -> None:
        kept.append(breaker)

    sources = failover("kis", "naver", changed=keep)
    world.fail("kis", "403")
    await asked(sources)
    asked_before = world.calls["kis"]
    clock.now += timedelta(hours=11)
    successor = failover("kis", "naver")
    successor.remember(kept)
    for one in (sources, successor):
        collected = await asked(one)
        assert collected.provenance.source == "naver"
        assert "left alone until 2024-12-14 15:00 UTC" in collected.passed_over[0]
    assert world.calls["kis"] == asked_before
    clock.now = datetime(2024, 12, 14, 15, 0, tzinfo=UTC)
    assert (await asked(successor)).provenance.source == "kis"
    assert successor.breakers["kis"] == Breaker("kis")


async def test_three_outages_in_a_row_open_the_breaker_for_a_minute_then_longer(
    failover: Any, world: World, clock: Any
) -> None:
    sources = failover("kis", "naver")
    for _ in range(3):
        world.fail("kis", *["500"] * 3)
        await asked(sources)
    calls = world.calls["kis"]
    await asked(sources)
    assert world.calls["kis"] == calls
    clock.now += timedelta(seconds=61)
    world.fail("kis", *["500"] * 3)
    await asked(sources)
    assert world.calls["kis"] == calls + 3
    assert sources.breakers["kis"].open_until == clock.now + timedelta(minutes=2)


async def test_an_unknown_symbol_says_nothing_about_the_source(failover: Any, world: World) -> None:
    sources = failover("kis", "naver")
    for _ in range(5):
        with pytest.raises(NoSource):
            await asked(sources, "999999")
    assert (await asked(sources)).provenance.source == "kis"


async def test_a_session_that_still_runs_is_left_out(failover: Any, clock: Any) -> None:
    clock.now = datetime(2024, 12, 13, 3, 0, tzinfo=UTC)
    assert (await asked(failover("naver"))).believed.rows["day"].max() == date(2024, 12, 12)
