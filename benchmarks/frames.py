"""WebSocket clients that cost little: bytes in, frames counted, one latency taken for each arrival.

Hundreds of them share the machine with what they measure, so they parse no more than where a frame ends.
"""

import asyncio
import base64
import json
import os
import ssl
import time
from array import array
from dataclasses import dataclass, field
from typing import Any

MASK = b"\x00\x00\x00\x00"
"""Clients must mask; by zeros the text stays what it is."""

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
SENT_AT = b'"sent_ns":'
HANDSHAKE_SECONDS_MAX = 20


@dataclass
class Tally:
    """What all clients together have received."""

    frames: int = 0
    closed: int = 0
    seconds: "array[float]" = field(default_factory=lambda: array("d"))

    def percentile(self, share: float) -> float:
        """The latency this share of the sampled arrivals stayed within, in milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3


class Client(asyncio.Protocol):
    """One connection: after `open` it counts every text frame into its tally, and answers pings."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.transport: Any = None
        self.counting = False
        self.close_code: int | None = None
        """A close frame's, or the status of an answer that is no handshake."""
        self._waiting: asyncio.Future[None] | None = None
        self._data = b""
        self.texts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self.tally.closed += 1
        self._wake()

    def data_received(self, data: bytes) -> None:
        data = self._data + data if self._data else data
        if not self.counting and not self.texts and data.startswith(b"HTTP/1.1"):
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._data = head
                return
            if b" 101 " not in head.splitlines()[0]:
                self.close_code = int(head.split(b" ", 2)[1])
                self._wake()
                return
            self.texts.append(head)
            self._wake()
        self._data = self._read_frames(data)

    def _read_frames(self, data: bytes) -> bytes:
        position, frames, size = 0, 0, len(data)
        first = -1
        while size - position >= 2:
            length, begin = data[position + 1], position + 2
            if length == 126:
                length, begin = int.from_bytes(data[begin : begin + 2], "big"), begin + 2
            elif length == 127:
                length, begin = int.from_bytes(data[begin : begin + 8], "big"), begin + 8
            if begin + length > size:
                break
            opcode = data[position] & 15
            if opcode != TEXT:
                self._control(opcode, data[begin : begin + length])
            elif self.counting:
                frames += 1
                if first < 0:
                    first = begin
            else:
                self.texts.append(data[begin : begin + length])
                self._wake()
            position = begin + length
        if frames:
            self.tally.frames += frames
            at = data.find(SENT_AT, first)
            if at >= 0:
                sent = int(data[at + len(SENT_AT) : data.index(b",", at)])
                self.tally.seconds.append((time.perf_counter_ns() - sent) / 1e9)
        return data[position:]

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._write(PONG, payload)
        elif opcode == CLOSE and len(payload) >= 2:
            self.close_code = int.from_bytes(payload[:2], "big")
            self._wake()

    def _write(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self.transport.write(bytes([0x80 | opcode]) + length + MASK + payload)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def say(self, **message: object) -> None:
        """Send an object as JSON."""
        self._write(TEXT, json.dumps(message).encode())

    async def hear(self, word: bytes) -> None:
        """Wait for a text that holds a word.

        Raises:
            ConnectionError: when the connection closes instead.
        """
        async with asyncio.timeout(HANDSHAKE_SECONDS_MAX):
            while not any(word in text for text in self.texts):
                if self.close_code is not None or self.transport.is_closing():
                    raise ConnectionError(f"closed with {self.close_code} before {word!r}")
                self._waiting = asyncio.get_running_loop().create_future()
                await self._waiting

    def stop_reading(self) -> None:
        """Behave like a program that hangs."""
        self.transport.pause_reading()


async def enter(port: int, path: str, tally: Tally, trust: ssl.SSLContext | None = None) -> Client:
    """Connect to loopback and shake hands, with TLS when a context is given."""
    loop = asyncio.get_running_loop()
    client = Client(tally)
    await loop.create_connection(
        lambda: client, "127.0.0.1", port, ssl=trust, server_hostname="localhost" if trust else None
    )
    key = base64.b64encode(os.urandom(16)).decode()
    client.transport.write(
        (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
    )
    await client.hear(b"HTTP/1.1 101")
    return client
