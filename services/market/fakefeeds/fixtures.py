"""For tests: the fake sources on loopback with invented bars, and a clock and a sleep of the test's own."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import pytest_asyncio
from market.config import Settings, Source
from market.providers.catalogue import Catalogue, open_catalogue
from pydantic import SecretStr
from quant.markets.calendar import sessions_between

from fakefeeds.server import create_app as create_feeds
from fakefeeds.world import Day, Issue, World

FIRST, SPLIT, LAST = date(2024, 1, 2), date(2024, 9, 2), date(2024, 12, 13)
NOW = datetime(2024, 12, 14, 3, 0, tzinfo=UTC)


def a_history(board: str, base: int, split_on: date | None = None) -> tuple[Day, ...]:
    """Calm sessions on the tick grid, the third of them halted; fifty times the price before a split."""
    sessions = sessions_between("US" if board == "US" else "KRX", FIRST, LAST)
    days: list[Day] = []
    for place, day in enumerate(sessions):
        level = (base + place % 7 * 100) * (50 if split_on and day < split_on else 1)
        if place == 2 and board != "US":
            days.append(Day(day, 0, 0, 0, days[-1].close, 0))
        else:
            days.append(Day(day, level, level + 500, level - 500, level + 100, 1_000 + place))
    return tuple(days)


@pytest.fixture
def world() -> World:
    """Two issues of KOSPI, one of which was split into fifty, one of KOSDAQ and one of the United States."""
    made = World()
    made.add(
        [
            Issue("000010", "KR7000010001", "하나", "KOSPI", a_history("KOSPI", 52_000)),
            Issue("000020", "KR7000020008", "둘", "KOSPI", a_history("KOSPI", 53_000, SPLIT), SPLIT, 50),
            Issue("000030", "KR7000030007", "셋", "KOSDAQ", a_history("KOSDAQ", 54_000)),
            Issue("EXO", "US0000000001", "Exo", "US", a_history("US", 20_000)),
        ]
    )
    return made


@pytest.fixture
def indices(world: World) -> None:
    """Three indices, under the codes that KRX has for them, which no board holds."""
    codes = {"KOSPI": "1001", "KOSPI200": "1028", "KOSDAQ": "2001"}
    world.add(Issue(name, code, name, "INDEX", a_history("US", 2_500)) for name, code in codes.items())


@pytest.fixture
def slept() -> list[float]:
    """How long was waited, in vain: nobody sleeps in these tests."""
    return []


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Open = Callable[..., Catalogue]


@pytest_asyncio.fixture
async def opened(
    settings: Settings, world: World, served: Any, clock: Clock, slept: list[float]
) -> AsyncIterator[Callable[..., Catalogue]]:
    """`opened("naver", "yahoo")`: these sources, at the fake addresses."""
    made: list[Catalogue] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with served(create_feeds(world)) as host:

        def build(*sources: Source, **changes: Any) -> Catalogue:
            addresses = {
                "krx_portal_url": f"http://{host}/krx",
                "krx_open_api_url": f"http://{host}/krxapi",
                "naver_url": f"http://{host}/naver",
                "yahoo_url": f"http://{host}/yahoo",
                "alpha_vantage_url": f"http://{host}/av",
                "kis_url": f"http://{host}/kis",
                "dart_url": f"http://{host}/dart",
            }
            secrets = {
                "krx_portal_user": SecretStr(world.user),
                "krx_portal_password": SecretStr(world.password),
                **{
                    name: SecretStr(world.key)
                    for name in ("krx_open_api_key", "kis_key", "kis_secret", "alpha_vantage_key", "dart_key")
                },
            }
            changed = settings.model_copy(update={"daily_sources": sources} | addresses | secrets | changes)
            made.append(open_catalogue(changed, clock, sleep))
            return made[-1]

        yield build
        for catalogue in made:
            await catalogue.close()
