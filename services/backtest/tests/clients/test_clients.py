"""The worker's two neighbours, asked over real HTTP."""

import threading
from collections.abc import AsyncIterator
from datetime import date

import httpx
import pytest
import pytest_asyncio
from backtest.clients.market import Market, UnexpectedAnswer
from kit.errors import Unavailable
from kit.service_tokens import ServiceTokens

from services.backtest.tests.builders import terms
from services.backtest.tests.neighbours import SECRET, Neighbours


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=0.5) as opened:
        yield opened


@pytest.fixture
def market(http: httpx.AsyncClient, neighbours: Neighbours) -> Market:
    return Market(http, neighbours.url, ServiceTokens(http, neighbours.url, "backtest", SECRET))


async def test_bars_come_as_columns_of_one_symbol_and_period(market: Market, neighbours: Neighbours) -> None:
    history = await market.history_of(terms(start=date(2015, 2, 2), end=date(2015, 2, 6)))
    assert history is not None
    assert list(history.dates) == [date(2015, 2, day) for day in range(2, 7)]
    assert len(history.columns["close"]) == 5
    assert neighbours.questions[0]["symbols"] == "005930"


async def test_an_open_period_means_all_bars(market: Market) -> None:
    history = await market.history_of(terms())
    assert history is not None
    assert len(history.dates) == 1_000


async def test_a_symbol_market_does_not_know_has_no_history(market: Market, neighbours: Neighbours) -> None:
    assert await market.history_of(terms("MSFT")) is None
    neighbours.market_status = 404
    assert await market.history_of(terms()) is None


async def test_one_token_serves_many_questions(market: Market, neighbours: Neighbours) -> None:
    for _ in range(3):
        await market.history_of(terms())
    assert len(neighbours.tokens) == 1


async def test_a_token_near_its_end_is_renewed(http: httpx.AsyncClient, neighbours: Neighbours) -> None:
    neighbours.expires_in = 1
    tokens = ServiceTokens(http, neighbours.url, "backtest", SECRET)
    first = await tokens.current()
    assert await tokens.current() == first
    tokens._renew_at -= 1
    assert await tokens.current() != first


async def test_a_token_that_is_refused_is_asked_for_anew_once(market: Market, neighbours: Neighbours) -> None:
    await market.history_of(terms())
    neighbours.tokens.append("a token of new keys")
    assert await market.history_of(terms()) is not None
    assert len(neighbours.questions) == 3


@pytest.mark.requirement("R-24")
async def test_neighbours_that_fail_or_stall_are_unavailable(market: Market, neighbours: Neighbours) -> None:
    neighbours.auth_status = 503
    with pytest.raises(Unavailable):
        await market.history_of(terms())
    neighbours.reset()
    neighbours.market_status = 503
    with pytest.raises(Unavailable):
        await market.history_of(terms())
    neighbours.reset()
    neighbours.held = threading.Event()
    with pytest.raises(Unavailable):
        await market.history_of(terms())
    neighbours.held.set()


async def test_a_neighbour_that_is_not_there_is_unavailable(http: httpx.AsyncClient) -> None:
    nobody = "http://127.0.0.1:9"
    with pytest.raises(Unavailable):
        await Market(http, nobody, ServiceTokens(http, nobody, "backtest", SECRET)).history_of(terms())


@pytest.mark.parametrize(("status", "body"), [(200, b"{"), (200, b'{"005930": {"date": []}}'), (422, b"{}")])
async def test_an_answer_nobody_agreed_on_is_a_mistake(
    market: Market, neighbours: Neighbours, status: int, body: bytes
) -> None:
    neighbours.market_status, neighbours.market_body = status, body
    with pytest.raises(UnexpectedAnswer):
        await market.history_of(terms())
