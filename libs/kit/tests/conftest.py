"""kit is tested on a small service of its own, the noticeboard."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from kit import amqp
from kit.db import Database

from libs.kit.tests.bus import Reader, forget_queues

sys.path.insert(0, str(Path(__file__).parent / "sample"))


@pytest.fixture(scope="session")
def service() -> str:
    return "noticeboard"


@pytest_asyncio.fixture
async def exchange(amqp_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """An exchange of this test's own: on the one of all, other processes' tests hear its facts and are heard."""
    monkeypatch.setattr(amqp, "EXCHANGE", f"test-{uuid4().hex[:12]}")
    async with await amqp.connect(amqp_url, "test") as connection:
        made = await (await connection.channel()).declare_exchange(amqp.EXCHANGE, "topic")
        yield
        await made.delete()


@pytest_asyncio.fixture
async def reader(database: Database, amqp_url: str, exchange: None) -> AsyncIterator[Reader]:
    """A consumer with queues of its own, which are deleted in the end."""
    made = Reader(database)
    yield made
    await forget_queues(amqp_url, made.subscriptions.consumer)
