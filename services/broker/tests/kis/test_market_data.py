"""KIS's quotations: what cannot be read is no market data, and what is added to them is passed over."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from broker.adapters.kis import quotations
from broker.adapters.market_data import Level, MarketData
from broker.adapters.port import RateLimited, Unreachable
from emulators.faults import Fault

from services.broker.tests.emulated import Emulated, emulated

SYMBOL = "005930"
TODAY = date(2026, 11, 2)
ROW = {
    "stck_bsop_date": "20261102",
    "stck_oprc": "1",
    "stck_hgpr": "3",
    "stck_lwpr": "1",
    "stck_clpr": "2",
    "acml_vol": "9",
}


@pytest_asyncio.fixture
async def kis() -> AsyncIterator[Emulated]:
    async with emulated("kis") as running:
        yield running


def shown_by(kis: Emulated) -> MarketData:
    assert kis.kind.market_data is not None
    return kis.kind.market_data(kis)


@pytest.mark.parametrize("fault", ["html", "reset_after", "server_error"])
async def test_a_chart_that_breaks_off_is_no_chart(kis: Emulated, fault: Fault) -> None:
    kis.faults.add("inquire-daily-itemchartprice", fault)
    with pytest.raises(Unreachable):
        await shown_by(kis).daily_bars(SYMBOL, TODAY, TODAY)


async def test_a_chart_that_the_limit_turns_away_was_not_asked_for(kis: Emulated) -> None:
    kis.faults.add("inquire-daily-itemchartprice", "rate_limit")
    with pytest.raises(RateLimited):
        await shown_by(kis).daily_bars(SYMBOL, TODAY, TODAY)


async def test_todays_session_is_in_the_chart_of_days_while_it_lasts(kis: Emulated) -> None:
    kis.house.trade(SYMBOL, Decimal(70_300), Decimal(5))
    [bar] = await shown_by(kis).daily_bars(SYMBOL, TODAY, TODAY)  # type: ignore[misc]
    assert (bar.day, bar.close, bar.volume) == (TODAY, 70_300, 5)


def test_empty_rows_and_unknown_fields_of_a_chart_are_passed_over() -> None:
    body = {"output1": {"hts_kor_isnm": "삼성전자"}, "output2": [{}, ROW | {"added_in_2026": "x"}, {}]}
    [bar] = quotations.days(body)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1, 3, 1, 2, 9)


@pytest.mark.parametrize("row", [{"stck_oprc": "-"}, {"stck_bsop_date": "2026-11"}, {"acml_vol": None}])
def test_a_row_that_cannot_be_read_makes_the_chart_no_chart(row: dict[str, Any]) -> None:
    with pytest.raises(Unreachable):
        quotations.days({"output1": {}, "output2": [ROW | row]})


@pytest.mark.parametrize("body", [{}, {"output1": None}, {"output1": {"askp1": "many", "askp_rsqn1": "1"}}])
def test_a_book_that_cannot_be_read_is_no_book(body: dict[str, Any]) -> None:
    with pytest.raises(Unreachable):
        quotations.depth(SYMBOL, body)


def test_a_book_goes_as_deep_as_it_is_shown() -> None:
    side = {f"bidp{number}": str(100 - number) for number in range(1, 4)}
    sizes = {f"bidp_rsqn{number}": str(number) for number in range(1, 4)}
    book = quotations.depth(SYMBOL, {"output1": side | sizes | {"bidp4": "0", "bidp_rsqn4": "0"}})
    assert book.bids == tuple(Level(Decimal(100 - number), Decimal(number)) for number in range(1, 4))
