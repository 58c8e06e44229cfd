"""The hub: brings each owner's stream to that owner's WebSocket clients, in order, nothing lost and nothing doubled.

A client is given only the number that follows the last it was given, so no race can make a gap or a double. What comes
next usually comes with a hint, and nobody has to look into the table. Whoever is behind after a hint is served from the
table, where one look serves all clients of an owner; a look each second covers for lost hints.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from uuid import UUID

from kit.db import Database
from kit.errors import Unavailable
from kit.frames import frame
from kit.json import Fragment, dumps_text
from kit.observe import log, websocket_clients
from kit.websocket import ClientQueue

from notification.domain.owner import OwnerId
from notification.domain.stream import Bounds, can_resume
from notification.hints import ACCOUNTS, listen, read_hint
from notification.store import stream, system
from notification.store.stream import Numbered

CLIENTS_MAX = 5
"""WebSockets of one owner in one process."""
BATCH_MAX = 500
GATHER_SECONDS = 0.01
"""After a look, what happens in this time shares the next one: an owner costs at most 100 looks a second."""
LOOK_SECONDS = 1.0
RETRY_SECONDS = 0.5


@dataclass(eq=False)
class Client:
    """One WebSocket. `sent` is the last number it was given; None until it is known where to begin."""

    owner: OwnerId
    queue: ClientQueue
    served_by: "asyncio.Task[None]"
    sent: int | None = None


@dataclass
class Audience:
    """The clients of one owner, and the task that reads for them."""

    reading: "asyncio.Task[None]"
    due: asyncio.Event
    clients: set[Client] = field(default_factory=set)

    def behind(self) -> int | None:
        """Return from where the client that is furthest behind has to be served."""
        served = (client for client in self.clients if not client.queue.overflowed)
        return min((client.sent for client in served if client.sent is not None), default=None)

    def give(self, entry: Numbered) -> None:
        """Give an entry to every client for whom it is the next."""
        next_for = [client for client in self.clients if client.sent == entry.seq - 1]
        if not next_for:
            return
        ready = frame(dumps_text({"type": entry.type, "seq": entry.seq, "data": Fragment(entry.data)}))
        for client in next_for:
            if client.queue.put(ready):
                client.sent = entry.seq

    def hear(self, entries: Sequence[Numbered]) -> None:
        """Give what a hint carries; whoever is behind even then, or gets a hint without entries, needs a look."""
        for entry in entries:
            self.give(entry)
        behind = self.behind()
        if not entries or (behind is not None and behind < entries[-1].seq):
            self.due.set()


class Hub:
    """All WebSocket clients of this process."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self._database = database
        self._redis_url = redis_url
        self._audiences: dict[OwnerId, Audience] = {}
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Serve until cancelled; a failure is remembered, so that this process stops being ready."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow_hints())
                group.create_task(self._look_each_second())
        except Exception as failure:
            log.exception("the hub has failed")
            self._failure = failure
            raise

    async def ping(self) -> None:
        """Answer only if the hub has not failed."""
        if self._failure is not None:
            raise self._failure

    def join(self, owner: OwnerId, queue: ClientQueue) -> Client | None:
        """Add a client, who is given nothing before `begin`; None when the owner has too many."""
        audience = self._audiences.get(owner)
        if audience is None:
            due = asyncio.Event()
            reading = asyncio.create_task(self._serve(owner, due), name=f"stream of {owner}")
            audience = self._audiences[owner] = Audience(reading, due)
        elif len(audience.clients) >= CLIENTS_MAX:
            return None
        client = Client(owner, queue, audience.reading)
        audience.clients.add(client)
        websocket_clients.labels("account").inc()
        return client

    def leave(self, client: Client) -> None:
        """Remove a client; the last one takes the reading with it."""
        audience = self._audiences[client.owner]
        audience.clients.remove(client)
        websocket_clients.labels("account").dec()
        if not audience.clients:
            del self._audiences[client.owner]
            audience.reading.cancel()

    async def bounds(self, owner: OwnerId) -> Bounds:
        """Find from where to where the owner's stream is kept."""
        async with self._database.owned(owner) as session:
            return await stream.find_bounds(session, owner)

    def begin(self, client: Client, after: int) -> None:
        """Give the client everything after a number, unless it has begun somewhere already."""
        if client.sent is None:
            self._move(client, after)

    async def resume(self, client: Client, after: int) -> None:
        """Go back to a number the client names or, when that is impossible, tell it to read the present state."""
        kept = await self.bounds(client.owner)
        if can_resume(after, kept):
            self._move(client, after)
        else:
            client.queue.put_json({"type": "reset", "seq": kept.last})
            self._move(client, kept.last)

    def _move(self, client: Client, after: int) -> None:
        client.sent = after
        if (audience := self._audiences.get(client.owner)) is not None:
            audience.due.set()

    async def _serve(self, owner: OwnerId, due: asyncio.Event) -> None:
        while True:
            await due.wait()
            due.clear()
            try:
                await self._deliver(owner, self._audiences[owner])
            except Unavailable as down:
                log.warning("a stream waits for the database", error=str(down))
                due.set()
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)

    async def _deliver(self, owner: OwnerId, audience: Audience) -> None:
        while (after := audience.behind()) is not None:
            async with self._database.owned(owner) as session:
                found = await stream.list_after(session, owner, after, BATCH_MAX)
            for entry in found:
                audience.give(entry)
            if len(found) < BATCH_MAX or audience.behind() == after:
                return

    async def _follow_hints(self) -> None:
        async with aclosing(listen(self._redis_url, f"{ACCOUNTS}*")) as hints:
            async for heard in hints:
                if heard is None:
                    continue  # the look each second finds what went unheard
                with suppress(ValueError):
                    owner = OwnerId(UUID(heard.channel.removeprefix(ACCOUNTS)))
                    if (audience := self._audiences.get(owner)) is not None:
                        audience.hear(read_hint(heard.text))

    async def _look_each_second(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._audiences:
                continue
            try:
                async with self._database.system() as session:
                    heads = await system.list_heads(session, list(self._audiences))
            except Unavailable as down:
                log.warning("streams are not looked at", error=str(down))
                continue
            for owner, head in heads.items():
                audience = self._audiences.get(owner)
                behind = audience.behind() if audience is not None else None
                if audience is not None and behind is not None and behind < head:
                    audience.due.set()
