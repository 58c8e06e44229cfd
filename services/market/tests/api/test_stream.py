"""`/ws/market` behind a real server, with real clients and the real Redis."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from kit import cache
from kit.clock import now
from kit.ids import new_id
from kit.testing.tasks import ended
from kit.testing.tokens import Tokens
from market.api import stream
from market.app import create_app
from market.config import Settings
from market.hub import Client, QuoteHub, Topic
from pydantic import SecretStr
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

QuoteText = Callable[..., str]
SOON_SECONDS = 30


@pytest_asyncio.fixture
async def address(app: FastAPI, served: Any) -> AsyncIterator[str]:
    async with served(app) as host:
        yield f"ws://{host}/ws/market"


class Watcher:
    """A client that has a token and reads JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.connection.recv(), SOON_SECONDS))
        return message

    async def subscribe(self, *symbols: str) -> None:
        await self.say(action="subscribe", symbols=symbols, channels=["quote"])
        assert (await self.hear())["type"] == "subscribed"

    async def closed_with(self, seconds: float = SOON_SECONDS) -> int | None:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code


Enter = Callable[..., Any]


@pytest.fixture
def enter(address: str, tokens: Tokens) -> Enter:
    """`async with enter() as watcher`: a new user, or one with the claims given."""

    @asynccontextmanager
    async def opened(**claims: Any) -> AsyncIterator[Watcher]:
        token = tokens.sign(tokens.claims(new_id()) | claims)
        async with connect(address, compression=None, close_timeout=1) as connection:
            watcher = Watcher(connection)
            await watcher.say(action="auth", token=token)
            assert (await watcher.hear())["type"] == "authenticated"
            yield watcher

    return opened


async def publish(redis: Redis, symbol: str, text: str) -> None:
    await redis.set(f"realtime:{symbol}", text)
    await redis.publish(f"market:{symbol}", text)


@pytest.mark.requirement("R-34")
async def test_a_bad_token_is_closed_with_4401_and_a_good_one_works_as_subprotocol(
    address: str, tokens: Tokens
) -> None:
    async with connect(address) as connection:
        await connection.send('{"action":"auth","token":"nonsense"}')
        assert await Watcher(connection).closed_with() == 4401
    async with connect(address, subprotocols=["bearer", tokens.for_user(new_id())]) as connection:
        assert (await Watcher(connection).hear())["type"] == "authenticated"
    async with connect(f"{address}?token={tokens.for_user(new_id())}") as connection:
        await connection.send('{"action":"subscribe","symbols":["005930"]}')
        assert await Watcher(connection).closed_with() == 4401


@pytest.mark.requirement("R-34")
async def test_silence_instead_of_a_token_is_closed_with_4401(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.websocket.AUTH_TIMEOUT_SECONDS", 0.2)
    async with connect(address) as connection:
        assert await Watcher(connection).closed_with() == 4401


@pytest.mark.requirement("R-34")
async def test_a_token_that_ends_while_connected_closes_with_4401(enter: Enter) -> None:
    async with enter(exp=now() + timedelta(seconds=1)) as watcher:
        assert await watcher.closed_with() == 4401


@pytest.mark.requirement("R-34")
async def test_a_service_is_not_let_in(enter: Enter) -> None:
    async with enter(role="service") as watcher:
        assert await watcher.closed_with() == 4403


@pytest.mark.requirement("R-34")
async def test_a_sixth_connection_of_a_user_is_closed_with_4429_and_others_are_not(enter: Enter) -> None:
    user = str(new_id())
    async with enter(sub=user), enter(sub=user), enter(sub=user), enter(sub=user):
        async with enter(sub=user) as fifth, enter(sub=user) as sixth, enter() as other:
            assert await sixth.closed_with() == 4429
            await fifth.say(action="ping")
            await other.say(action="ping")
            assert await fifth.hear() == await other.hear() == {"type": "pong"}
        async with enter(sub=user) as again:
            await again.say(action="ping")
            assert await again.hear() == {"type": "pong"}


async def test_a_subscriber_gets_the_quote_as_it_stands_and_then_every_new_one(
    enter: Enter, redis: Redis, symbol: str, a_quote: QuoteText
) -> None:
    await redis.set(f"realtime:{symbol}", a_quote(symbol, price="100"))
    async with enter() as watcher:
        await watcher.subscribe(f"KRX:{symbol}")
        snapshot = await watcher.hear()
        await publish(redis, symbol, a_quote(symbol, price="101"))
        update = await watcher.hear()

    assert (snapshot["type"], snapshot["symbol"], snapshot["price"]) == ("quote", symbol, "100")
    assert update["price"] == "101"


async def test_what_is_unsubscribed_is_no_longer_sent(
    enter: Enter, redis: Redis, symbol: str, a_quote: QuoteText
) -> None:
    async with enter() as watcher:
        await watcher.subscribe(symbol)
        await watcher.say(action="unsubscribe", symbols=[symbol])
        assert await watcher.hear() == {"type": "unsubscribed", "symbols": [symbol], "channels": ["quote"]}
        await publish(redis, symbol, a_quote(symbol))
        await watcher.say(action="ping")
        assert await watcher.hear() == {"type": "pong"}


UNUSABLE_MESSAGES = [
    ("{", "invalid_message"),
    ("[]", "invalid_message"),
    ('{"action":"dance"}', "invalid_message"),
    ('{"action":"subscribe"}', "invalid_message"),
    ('{"action":"subscribe","symbols":["what?"]}', "invalid_message"),
    ('{"action":"subscribe","symbols":["005930"],"channels":["candle"]}', "unknown_channel"),
    (json.dumps({"action": "subscribe", "symbols": ["005930"] * 501}), "invalid_message"),
    ('{"action":"ping","padding":"' + "x" * 66_000 + '"}', "invalid_message"),
]


async def test_a_message_that_cannot_be_used_is_answered_and_the_connection_stays(enter: Enter) -> None:
    for message, code in UNUSABLE_MESSAGES:
        async with enter() as watcher:
            await watcher.connection.send(message)
            answer = await watcher.hear()
            await watcher.say(action="ping")

            assert (answer["type"], answer["code"]) == ("error", code), message[:100]
            assert await watcher.hear() == {"type": "pong"}


async def test_a_connection_may_watch_a_bounded_number_of_symbols(enter: Enter) -> None:
    first, second = ([f"{start + number:06}" for number in range(300)] for start in (100_000, 200_000))
    async with enter() as watcher:
        await watcher.subscribe(*first)
        await watcher.say(action="subscribe", symbols=second)
        assert (await watcher.hear())["code"] == "too_many_symbols"


@pytest.mark.requirement("R-34")
async def test_a_client_that_talks_without_end_is_closed_with_4429(enter: Enter) -> None:
    async with enter() as watcher:
        for _ in range(stream.MESSAGES_PER_MINUTE_MAX + 1):
            await watcher.say(action="ping")
        assert await watcher.closed_with() == 4429


@pytest.mark.requirement("R-33")
async def test_a_stalled_client_disturbs_nobody_and_is_let_go(
    enter: Enter, redis: Redis, symbol: str, a_quote: QuoteText, monkeypatch: pytest.MonkeyPatch, app: FastAPI
) -> None:
    monkeypatch.setattr("kit.websocket.SEND_TIMEOUT_SECONDS", 0.5)
    hub = app.state.resources.hub
    async with enter() as stalled, enter() as lively:
        await stalled.subscribe(symbol)
        await lively.subscribe(symbol)
        transport = stalled.connection.transport
        transport.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        transport.pause_reading()
        began = asyncio.get_running_loop().time()
        padding = "x" * 200_000
        for number in range(200):
            await publish(redis, symbol, a_quote(symbol, price=str(number), name=padding))
            while (await lively.hear())["price"] != str(number):
                pass
            if len(hub._watchers["quote", symbol]) == 1:
                break
            await asyncio.sleep(0.01)

        assert len(hub._watchers["quote", symbol]) == 1
        assert asyncio.get_running_loop().time() - began < 10
        transport.abort()


async def test_a_client_that_is_behind_gets_only_the_newest_quote_of_a_symbol(
    enter: Enter, redis: Redis, symbol: str, a_quote: QuoteText, app: FastAPI
) -> None:
    hub = app.state.resources.hub
    async with enter() as watcher:
        await watcher.subscribe(symbol)
        for number in range(1_000):
            hub._deliver(("quote", symbol), a_quote(symbol, price=str(number)))
        await watcher.say(action="ping")

        heard = [await watcher.hear(), await watcher.hear()]

    assert [message.get("price", "pong") for message in heard] == ["999", "pong"]


class Cable:
    """A wire to Redis that can be cut: every connection through it breaks, new ones work."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: list[asyncio.StreamWriter] = []

    async def plug(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


async def test_a_hub_whose_redis_connection_breaks_listens_again_and_sends_what_was_missed(
    settings: Settings, tokens: Tokens, served: Any, redis: Redis, symbol: str, a_quote: QuoteText
) -> None:
    parts = urlsplit(settings.redis_url.get_secret_value())
    cable = Cable(str(parts.hostname), parts.port or 0)
    async with await asyncio.start_server(cable.plug, "127.0.0.1", 0) as wire:
        port = wire.sockets[0].getsockname()[1]
        through = SecretStr(f"redis://:{parts.password}@127.0.0.1:{port}/0")
        app = create_app(settings.model_copy(update={"redis_url": through}), tokens.verifier)
        token = tokens.for_user(new_id())
        async with served(app) as host, connect(f"ws://{host}/ws/market", subprotocols=["bearer", token]) as connection:
            watcher = Watcher(connection)
            await watcher.hear()
            await watcher.subscribe(symbol)
            cable.cut()
            await publish(redis, symbol, a_quote(symbol, price="77"))
            missed = await watcher.hear()
            await publish(redis, symbol, a_quote(symbol, price="78"))
            while (following := await watcher.hear())["price"] == missed["price"]:
                pass  # looked up, and heard as well once the hub listened again
        cable.cut()

    assert (missed["price"], following["price"]) == ("77", "78")


async def test_a_first_look_that_redis_could_not_answer_is_made_up_for(
    redis: Redis, symbol: str, a_quote: QuoteText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market.hub.RESTART_SECONDS", 0.05)
    await redis.set(f"realtime:{symbol}", a_quote(symbol, price="100"))
    away = cache.connect("redis://127.0.0.1:9/0")
    hub, told = QuoteHub(away), asyncio.Queue[str]()

    class Queue:
        def put(self, message: bytes, _key: str | None = None) -> bool:
            told.put_nowait(message.decode(errors="replace"))
            return True

    client = Client(new_id(), "a seat", Queue())  # type: ignore[arg-type]
    running = asyncio.create_task(hub.run())
    try:
        await hub.watch(client, {("quote", symbol)})
        assert told.empty()
        hub._cache = redis
        assert '"price":"100"' in await asyncio.wait_for(told.get(), SOON_SECONDS)
    finally:
        await ended(running)


async def test_a_burst_of_looks_finds_every_quote(
    user: httpx.AsyncClient, app: FastAPI, redis: Redis, symbol: str, a_quote: QuoteText
) -> None:
    await redis.set(f"realtime:{symbol}", a_quote(symbol))
    looks = cache.CONNECTIONS_MAX + 16  # more at once would wait longer than a look may
    answers = await asyncio.gather(*(user.get(f"/api/v1/market/quotes/{symbol}") for _ in range(looks)))
    assert {answer.status_code for answer in answers} == {200}
    hub: QuoteHub = app.state.resources.hub
    shown: list[bytes] = []

    class Queue:
        def put(self, message: bytes, _key: str | None = None) -> bool:
            shown.append(message)
            return True

    clients = [Client(new_id(), "a seat", Queue()) for _ in range(looks)]  # type: ignore[arg-type]
    await asyncio.gather(*(hub.watch(client, {("quote", symbol)}) for client in clients))
    assert len(shown) == looks


async def test_a_restart_says_1012(app: FastAPI, served: Any, tokens: Tokens) -> None:
    async with served(app) as host:
        connection = await connect(f"ws://{host}/ws/market", subprotocols=["bearer", tokens.for_user(new_id())])
        watcher = Watcher(connection)
        await watcher.hear()
    assert await watcher.closed_with() == 1012


class TestChannels:
    """Trades, order books and minutes beside the quotes."""

    async def test_each_channel_brings_its_own_messages(self, enter: Enter, redis: Redis, symbol: str) -> None:
        async with enter() as watcher:
            await watcher.say(action="subscribe", symbols=[symbol], channels=["trade", "orderbook", "bar:1m"])
            told = await watcher.hear()
            assert (told["type"], told["channels"]) == ("subscribed", ["trade", "orderbook", "bar:1m"])
            for prefix, kind in (
                ("market.trade", "trade"),
                ("market.orderbook", "orderbook"),
                ("market.bar1m", "bar:1m"),
            ):
                await redis.publish(f"{prefix}:{symbol}", json.dumps({"type": kind, "symbol": symbol}))
                assert (await watcher.hear())["type"] == kind
            await redis.publish(f"market:{symbol}", json.dumps({"type": "quote", "symbol": symbol}))
            await watcher.say(action="ping")
            assert await watcher.hear() == {"type": "pong"}

    async def test_books_and_forming_minutes_are_shown_on_subscribing_as_they_stand(
        self, enter: Enter, redis: Redis, symbol: str
    ) -> None:
        for prefix, kind in (("realtime.orderbook", "orderbook"), ("realtime.bar1m", "bar:1m")):
            await redis.set(f"{prefix}:{symbol}", json.dumps({"type": kind, "symbol": symbol}))
        async with enter() as watcher:
            await watcher.say(action="subscribe", symbols=[symbol], channels=["orderbook", "bar:1m", "trade"])
            assert (await watcher.hear())["type"] == "subscribed"
            assert {(await watcher.hear())["type"] for _ in range(2)} == {"orderbook", "bar:1m"}

    async def test_unsubscribing_one_channel_leaves_the_others(self, enter: Enter, redis: Redis, symbol: str) -> None:
        async with enter() as watcher:
            await watcher.say(action="subscribe", symbols=[symbol], channels=["trade", "orderbook"])
            await watcher.hear()
            await watcher.say(action="unsubscribe", symbols=[symbol], channels=["trade"])
            assert await watcher.hear() == {"type": "unsubscribed", "symbols": [symbol], "channels": ["trade"]}
            await redis.publish(f"market.trade:{symbol}", json.dumps({"type": "trade"}))
            await redis.publish(f"market.orderbook:{symbol}", json.dumps({"type": "orderbook"}))
            assert (await watcher.hear())["type"] == "orderbook"

    @pytest.mark.requirement("R-33")
    async def test_forming_minutes_conflate_and_closed_ones_and_trades_never_do(self, redis: Redis) -> None:
        kept: list[tuple[str, str | None]] = []

        class Queue:
            def put(self, message: str, key: str | None = None) -> bool:
                kept.append((message, key))
                return True

        hub = QuoteHub(redis)
        client = Client(new_id(), "a seat", Queue())  # type: ignore[arg-type]
        topics: list[Topic] = [("quote", "X"), ("orderbook", "X"), ("bar:1m", "X"), ("trade", "X")]
        for topic in topics:
            hub._watchers[topic].add(client)
            hub._deliver(topic, "{}")
        hub._deliver(("bar:1m", "X"), '{"closed":true}')
        assert [key for _, key in kept] == ["quote:X", "orderbook:X", "bar:1m:X", None, None]
