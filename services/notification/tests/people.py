"""People with WebSockets, the server they connect to, and quotes they wait for."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI
from kit import cache
from kit.clock import now
from kit.db import Session
from kit.frames import FrameProtocol
from kit.ids import new_id
from kit.testing.tokens import Tokens
from notification.domain.alert import Alert, AlertId
from notification.domain.notice import Notice
from notification.domain.owner import OwnerId
from notification.domain.stream import Entry
from notification.resources import Resources
from notification.store.stream import Numbered
from notification.tasks import stop
from notification.usecases.create_alert import create_alert
from notification.usecases.tell_owner import Publish, Told, tell_owner
from quant.markets.intervals import Interval
from websockets.asyncio.client import ClientConnection, connect

PATIENCE_SECONDS = 60

Found = TypeVar("Found")


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncIterator[int]:
    """Run the application as uvicorn runs it, on a free port."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="on", ws=FrameProtocol)
    )
    serving = asyncio.create_task(server._serve())
    await eventually(lambda: server.started)
    app.state.server = server
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await asyncio.wait_for(serving, PATIENCE_SECONDS)


async def eventually(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what we wait for happens in another task
            await asyncio.sleep(0.01)


async def until(look: Callable[[], Awaitable[Found]], fine: Callable[[Found], bool], seconds: float = 30) -> Found:
    """Look again and again; return what was found last, fine or not, for the test to judge."""
    deadline = time.monotonic() + seconds
    while not fine(found := await look()) and time.monotonic() < deadline:  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def running(*tasks: Any) -> AsyncIterator[None]:
    """Run endless tasks beside a test."""
    started = [asyncio.create_task(task) for task in tasks]
    try:
        yield
    finally:
        ended = await stop(*started)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


def unheard(_owner: OwnerId, _entries: Sequence[Numbered]) -> None:
    """A hint that is lost."""


def tell(
    session: Session,
    owner: OwnerId,
    number: int = 0,
    notice: Notice | None = None,
    *,
    at: datetime | None = None,
    publish: Publish = unheard,
) -> None:
    """Tell an owner of an order that is only a number."""
    tell_owner(session, owner, Told(new_id(), (Entry("order", {"number": number}),), notice, at or now()), publish)


@dataclass
class Person:
    """Somebody with an account."""

    port: int
    tokens: Tokens
    worker: Resources
    id: OwnerId = field(default_factory=lambda: OwnerId(new_id()))

    @property
    def token(self) -> str:
        return self.tokens.for_user(self.id)

    @asynccontextmanager
    async def listens(self, token: str | None = None) -> AsyncIterator["Ear"]:
        """Connect, authenticate, and hear where the stream is."""
        async with self.connects() as socket:
            await socket.send(json.dumps({"action": "auth", "token": token or self.token}))
            ear = Ear(socket)
            assert (await ear.next())["type"] == "authenticated"
            ready = await ear.next()
            assert ready["type"] == "ready"
            ear.ready = ready["seq"]
            yield ear

    def connects(self, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/ws/account", compression=None, **options)

    async def is_told(self, *numbers: int, notice: bool = False, publish: Publish | None = None) -> None:
        """Have things happen to this person, one transaction each."""
        for number in numbers:
            told = Notice("order_filled", f"Bought {number}", "Fee 0.", {}) if notice else None
            async with self.worker.database.owned(self.id) as session:
                tell(session, self.id, number, told, publish=publish or self.worker.hints.owner_was_told)

    async def is_told_at_once(self, *numbers: int) -> None:
        """Have things happen to this person in one transaction."""
        async with self.worker.database.owned(self.id) as session:
            for number in numbers:
                tell(session, self.id, number, publish=self.worker.hints.owner_was_told)

    async def is_told_with_hints(self, *numbers: int) -> list[Sequence[Numbered]]:
        """Have things happen to this person, and keep the hints back."""
        kept: list[Sequence[Numbered]] = []
        await self.is_told(*numbers, publish=lambda _owner, entries: kept.append(entries))
        return kept

    def gets_hint(self, entries: Sequence[Numbered]) -> None:
        """Let a hint through."""
        self.worker.hints.owner_was_told(self.id, entries)

    def asks(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers)


@dataclass
class Ear:
    """One WebSocket of a person."""

    socket: ClientConnection
    ready: int = -1

    async def next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE_SECONDS))
        return message

    async def hears(self, count: int) -> list[tuple[int, int]]:
        """The number and the content of the next entries."""
        messages = [await self.next() for _ in range(count)]
        return [(message["seq"], message["data"]["number"]) for message in messages]

    async def says(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def silence(self, seconds: float = 0.3) -> bool:
        try:
            await asyncio.wait_for(self.socket.recv(), seconds)
        except TimeoutError:
            return True
        return False


@dataclass
class Exchange:
    """Publishes quotes of a symbol nobody else uses, as market does."""

    redis_url: str
    symbol: str = field(default_factory=lambda: "T" + "".join(secrets.choice("ABCDEFGHIJKLMNOP") for _ in range(9)))

    async def quotes(self, *prices: str, at: datetime | None = None, publish: bool = True) -> None:
        redis = cache.connect(self.redis_url)
        async with redis:
            for price in prices:
                text = json.dumps({"type": "quote", "price": price, "timestamp": (at or now()).isoformat(), "bid": "1"})
                await redis.set(f"realtime:{self.symbol}", text, ex=60)
                if publish:
                    await redis.publish(f"market:{self.symbol}", text)

    async def says(self, text: str) -> None:
        redis = cache.connect(self.redis_url)
        async with redis:
            await redis.publish(f"market:{self.symbol}", text)


def an_alert(
    symbol: str, *, owner: UUID | None = None, value: str = "100", repeat: bool = False, expires_in: float | None = None
) -> Alert:
    return Alert(
        id=AlertId(new_id()),
        owner=OwnerId(owner or new_id()),
        symbol=symbol,
        condition="price_above",
        value=Decimal(value),
        repeat=repeat,
        status="active",
        expires_at=None if expires_in is None else now() + timedelta(seconds=expires_in),
        created_at=now(),
        triggered_at=None,
        triggered_price=None,
    )


def a_rule_alert(symbol: str, rule: str, *, repeat: bool = False, interval: Interval = "5m") -> Alert:
    wish = an_alert(symbol, value="0", repeat=repeat)
    return replace(wish, condition="rule", rule=rule, interval=interval, pause_seconds=60)


async def save_alert(worker: Resources, alert: Alert) -> None:
    """Make an alert as the API does."""
    async with worker.database.owned(alert.owner) as session:
        await create_alert(session, alert, alert.created_at)
    worker.hints.alerts_have_changed(alert.symbol)


@asynccontextmanager
async def cuttable(url: str) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """A way to Redis that can be cut: its address, and the scissors."""
    target = urlsplit(url)
    writers: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        writers.extend((writer, far_writer))
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    def cut() -> None:
        for writer in writers:
            writer.transport.abort()
        writers.clear()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = target.netloc.rpartition("@")[0]
    async with server:
        yield urlunsplit((target.scheme, f"{login}@127.0.0.1:{port}", target.path, "", "")), cut
        cut()
