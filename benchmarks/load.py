"""A load generator that costs little itself: HTTP/1.1 over TLS on kept connections, written and read as bytes.

The generator shares the machine with what it measures, so a comfortable client would mostly measure itself.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

READ_LIMIT = 1 << 16
ANSWER_SECONDS_MAX = 20


@dataclass
class Measured:
    """Latencies of the good answers in seconds, and how many others there were."""

    seconds: list[float] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        """The latency that this share of the good answers stayed within, in milliseconds.

        Raises:
            RuntimeError: without a single good answer; it says what came instead.
        """
        if not self.seconds:
            raise RuntimeError(f"no good answer, only {self.failures}")
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3

    def add(self, more: "Measured") -> None:
        """Count what another turn measured too."""
        self.seconds += more.seconds
        self.elapsed += more.elapsed
        for why, count in more.failures.items():
            self.failures[why] = self.failures.get(why, 0) + count

    def failed(self, why: str) -> None:
        """Count an answer that was not good."""
        self.failures[why] = self.failures.get(why, 0) + 1


class Connection:
    """One kept connection; a request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    @classmethod
    async def open(cls, port: int, trust: ssl.SSLContext | None, host: str = "localhost") -> Self:
        """Connect to loopback, with TLS when a context is given."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trust, server_hostname=host if trust else None
        )
        return cls(reader, writer, host)

    def more_headers(self) -> str:
        """Headers beside the usual ones, each with its line end."""
        return ""

    async def post(self, path: str, body: bytes, token: str = "") -> tuple[int, bytes]:
        """Send a JSON body and return status and body of the answer."""
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\n{authorization}{self.more_headers()}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        return await self._answer()

    async def get(self, path: str, token: str = "") -> tuple[int, bytes]:
        """Ask for a path and return status and body of the answer."""
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n{authorization}\r\n".encode())
        return await self._answer()

    async def delete(self, path: str, token: str = "") -> tuple[int, bytes]:
        """Ask for a path's end and return status and body of the answer."""
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self._writer.write(f"DELETE {path} HTTP/1.1\r\nHost: {self._host}\r\n{authorization}\r\n".encode())
        return await self._answer()

    async def _answer(self) -> tuple[int, bytes]:
        answer = await self._reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        lowered = answer.lower()
        at = lowered.find(b"content-length:")
        if at < 0:
            raise ConnectionError("an answer without a length")
        length = int(lowered[at + 15 : lowered.index(b"\r\n", at)])
        return status, await self._reader.readexactly(length)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@dataclass(frozen=True)
class Client:
    """A connection with the token and the requests of one person."""

    connection: Connection
    token: str
    path: str
    next_body: Callable[[], bytes]


async def _send(client: Client, measured: Measured, began: float) -> None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            status, body = await client.connection.post(client.path, client.next_body(), client.token)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as lost:
        measured.failed(type(lost).__name__)
        return
    if status < 300:
        measured.seconds.append(time.perf_counter() - began)
    else:
        measured.failed(f"{status} {json.loads(body).get('code')}")


async def as_fast_as_possible(clients: Sequence[Client], seconds: float) -> Measured:
    """Closed loop: every client sends its next request when its last one is answered."""
    measured = Measured()
    began = time.perf_counter()

    async def drive(client: Client) -> None:
        while time.perf_counter() - began < seconds:
            await _send(client, measured, time.perf_counter())

    await asyncio.gather(*(drive(client) for client in clients))
    measured.elapsed = time.perf_counter() - began
    return measured


async def at_a_steady_rate(clients: Sequence[Client], rate: float, seconds: float) -> Measured:
    """Open loop: requests fall due at fixed times, and latency counts from when one was due, waiting included."""
    measured = Measured()
    idle: asyncio.Queue[Client] = asyncio.Queue()
    for client in clients:
        idle.put_nowait(client)
    began = time.perf_counter()
    sending: set[asyncio.Task[None]] = set()

    async def send(due: float) -> None:
        client = await idle.get()
        await _send(client, measured, due)
        idle.put_nowait(client)

    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(send(due))
        sending.add(task)
        task.add_done_callback(sending.discard)
    await asyncio.gather(*sending)
    measured.elapsed = time.perf_counter() - began
    return measured
