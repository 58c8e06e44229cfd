"""A small TCP proxy between two processes, which breaks their connection the way networks do, and mends it again."""

import asyncio
import socket
import struct
import threading
from enum import StrEnum

CHUNK_BYTES = 65_536
LATENCY_SECONDS = 0.5
BITE_BYTES = 700
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends a reset, not a farewell."""


class Fault(StrEnum):
    """What is wrong with an edge."""

    CUT = "cut"
    """Open connections are reset, and new ones as soon as they are made."""
    SWALLOW = "swallow"
    """Nothing arrives, nobody is told: what was sent comes when the edge is whole again, if anybody still waits."""
    SLOW = "slow"
    """Everything arrives half a second late."""
    SLICE = "slice"
    """Everything arrives byte by byte."""
    BITE = "bite"
    """Each connection is reset after some hundred bytes, most likely within a message."""


class Edge:
    """One proxied edge, running in a thread of its own so that no test can hold it up."""

    def __init__(self, port: int, target: int) -> None:
        """Listen on `port` of this machine and pass on to `target`, another port of it."""
        self.port, self._target = port, target
        self._fault: Fault | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._whole = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        self._whole.set()
        return await asyncio.start_server(self._join, "127.0.0.1", self.port)

    def inflict(self, fault: Fault) -> None:
        """Break the edge; returns when it is broken."""
        asyncio.run_coroutine_threadsafe(self._change(fault), self._loop).result(10)

    def heal(self) -> None:
        """Mend it."""
        asyncio.run_coroutine_threadsafe(self._change(None), self._loop).result(10)

    def close(self) -> None:
        """End the proxy and every connection through it."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _change(self, fault: Fault | None) -> None:
        self._fault = fault
        if fault is Fault.SWALLOW:
            self._whole.clear()
        else:
            self._whole.set()
        if fault is Fault.CUT:
            for writer in list(self._open):
                _reset(writer)

    async def _end(self) -> None:
        self._server.close()
        self._whole.set()
        for writer in list(self._open):
            _reset(writer)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=5)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault is Fault.CUT:
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        both = {writer, back}
        self._open |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, back))
                group.create_task(self._pass(there, writer))
        except* OSError:
            pass  # one of the two has gone, or the edge was broken
        finally:
            for each in both:
                self._open.discard(each)
                _reset(each)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bitten = 0
        while data := await reader.read(CHUNK_BYTES):
            await self._whole.wait()
            if self._fault is Fault.SLOW:
                await asyncio.sleep(LATENCY_SECONDS)
            if self._fault is Fault.BITE:
                data, bitten = data[: BITE_BYTES - bitten], bitten + len(data)
            for piece in _slices(data) if self._fault is Fault.SLICE else (data,):
                writer.write(piece)
                await writer.drain()
            if bitten >= BITE_BYTES:
                raise ConnectionResetError("bitten off")
        raise ConnectionAbortedError("the other side has ended it")


def _slices(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
