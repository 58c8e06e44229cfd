"""A tenant who asks so many times its quota, as a program of its own.

What it costs itself must not delay whoever is measured, so it has its own loop, and runs when nothing else wants to;
what it costs the platform is the platform's.

`python -m benchmarks.greedy` reads one `Wish` as JSON on stdin, says `ready`, asks for so many seconds, and prints how
often it was answered what.
"""

import asyncio
import itertools
import json
import os
import secrets
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import uvloop

from benchmarks import frames
from benchmarks.frames import Tally
from benchmarks.load import ANSWER_SECONDS_MAX, Connection
from benchmarks.quotes import codes
from tools.people import Gateway

QUOTA_PER_MINUTE: Final = 600
STREAMS_MAX: Final = 5
SYMBOLS_EACH: Final = 500
CONNECTIONS: Final = 4
AGAIN_SECONDS: Final = 1.0
START_SECONDS_MAX: Final = 30


@dataclass(frozen=True)
class Wish:
    """What to ask, where, how many times the quota, and for how long."""

    port: int
    certificate: str
    token: str
    orders_path: str
    order: dict[str, Any]
    read_path: str
    times: int
    seconds: float


@dataclass
class Running:
    """The program, from outside."""

    process: asyncio.subprocess.Process

    @classmethod
    async def start(cls, wish: Wish) -> Self:
        """Start it, and return when it has begun to ask."""
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "benchmarks.greedy")
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(wish)).encode() + b"\n")
        async with asyncio.timeout(START_SECONDS_MAX):
            assert await process.stdout.readline() == b"ready\n", "the greedy tenant did not start"
        return cls(process)

    async def answers(self) -> Counter[str]:
        """Wait for its end; return what it was answered."""
        said, _ = await self.process.communicate()
        return Counter(json.loads(said))


@dataclass
class Greedy:
    """A, which never has enough."""

    wish: Wish
    trust: ssl.SSLContext
    answers: Counter[str] = field(default_factory=Counter)

    async def ask(self) -> None:
        """Call and watch so many times as often as allowed, until the time is over."""
        rate = QUOTA_PER_MINUTE / 60 * self.wish.times
        with suppress(TimeoutError):
            async with asyncio.timeout(self.wish.seconds), asyncio.TaskGroup() as group:
                group.create_task(self._call(rate / 2, self._order))
                group.create_task(self._call(rate / 2, self._read))
                for _ in range(STREAMS_MAX * self.wish.times):
                    group.create_task(self._watch())

    async def _order(self, connection: Connection, name: str) -> int:
        body = json.dumps(self.wish.order | {"client_order_id": name}).encode()
        return (await connection.post(self.wish.orders_path, body, self.wish.token))[0]

    async def _read(self, connection: Connection, _name: str) -> int:
        return (await connection.get(self.wish.read_path, self.wish.token))[0]

    async def _call(self, rate: float, send: Callable[[Connection, str], Any]) -> None:
        connections = [await Connection.open(self.wish.port, self.trust) for _ in range(CONNECTIONS)]
        began, prefix = time.perf_counter(), secrets.token_hex(4)

        async def drive(place: int) -> None:
            for number in itertools.count(place, len(connections)):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    status = await send(connections[place], f"{prefix}-{number}")
                self.answers[f"{send.__name__.strip('_')} {status}"] += 1

        await asyncio.gather(*map(drive, range(len(connections))))

    async def _watch(self) -> None:
        """Watch a stream for as long as it is allowed, and try again each second."""
        symbols = [*codes(), *(f"9A{place:04d}" for place in range(SYMBOLS_EACH - len(codes())))]
        while True:
            client: frames.Client | None = None
            try:
                client = await frames.enter(self.wish.port, "/ws/market", Tally(), self.trust)
                client.say(action="auth", token=self.wish.token)
                await client.hear(b"authenticated")
                client.say(action="subscribe", symbols=symbols, channels=["quote", "trade", "orderbook", "bar:1m"])
                await client.hear(b'"subscribed"')
                client.counting = True
                self.answers["stream"] += 1
                while client.close_code is None and not client.transport.is_closing():  # noqa: ASYNC110 - nothing to await
                    await asyncio.sleep(AGAIN_SECONDS)
            except (OSError, TimeoutError) as refused:
                self.answers[f"no stream ({type(refused).__name__})"] += 1
            finally:
                if client is not None:
                    client.transport.abort()
            await asyncio.sleep(AGAIN_SECONDS)


async def main() -> None:
    """Do what stdin says."""
    wish = Wish(**json.loads(sys.stdin.readline()))
    greedy = Greedy(wish, Gateway("", Path(wish.certificate)).trust)
    print("ready", flush=True)
    await greedy.ask()
    print(json.dumps(greedy.answers))


if __name__ == "__main__":
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    uvloop.run(main())
