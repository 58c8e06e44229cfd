"""The relay: publishes unsent events, in order, with confirms; a service has one at a time.

It holds an advisory lock on the very connection it claims rows with: when that connection dies, so does its right to
publish, and a second relay takes over. Rows are claimed by flag, never by "larger than the last", so nothing that
commits late is skipped; what is urgent (kit.events) goes before what waits. A publish that times out may have arrived:
the same message id is sent again, and inboxes drop the second copy.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from aiormq import Channel, spec
from aiormq.exceptions import DeliveryError
from pamqp.common import FieldTable

from kit import amqp, traces
from kit.clock import now
from kit.db import EVENTS_CHANNEL, Database
from kit.json import Fragment, dumps
from kit.observe import events_caught_up, events_lag_seconds, events_published, events_unroutable
from kit.settings import ServiceSettings

BATCH_MAX = 200
POLL_SECONDS = 1.0
MARK_SECONDS = 0.1  # so long what was sent waits to be marked by the next look: a busy relay asks once for both
PUBLISH_TIMEOUT_SECONDS = 5.0
LOCK_RETRY_SECONDS = 1.0
RESTART_SECONDS_MAX = 5.0
UNROUTABLE_RETRY_SECONDS = 2
# What is claimed or marked may be lost: it is sent again then, and known; so it waits for no disk. A bitmap would read
# all that was sent since the last vacuum at every look; a walk along the index drops what it finds dead, once.
QUICK = {"synchronous_commit": "off", "enable_bitmapscan": "off", "enable_seqscan": "off"}

# By id, between the least and the largest: a table that is kept by day is looked at in those days alone.
MARK_SENT = "UPDATE events SET published_at = now() WHERE id = ANY($1) AND id BETWEEN $2 AND $3"
CLAIM = f"""
WITH sent AS ({MARK_SENT})
SELECT position, id, type, subject, owner_id, correlation_id, causation_id, data, must_reach, occurred_at
  FROM events WHERE published_at IS NULL AND (retry_at IS NULL OR retry_at <= now()) AND id <> ALL($1)
 ORDER BY coalesce(retry_at = to_timestamp(0), false) DESC, position LIMIT {BATCH_MAX} FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - numbers of our own
MARK_RETRY = (
    "UPDATE events SET retry_at = now() + make_interval(secs => $4) WHERE id = ANY($1) AND id BETWEEN $2 AND $3"
)

Rows = Sequence[asyncpg.Record]

log = structlog.get_logger()


class Relay:
    """Publishes the events of one service; commits of the same process wake it without a detour."""

    def __init__(self, settings: ServiceSettings, database: Database, source: str) -> None:
        system_url = settings.system_database_url.get_secret_value()
        self._dsn = system_url.replace("postgresql+asyncpg://", "postgresql://")
        self._amqp_url = settings.amqp_url.get_secret_value()
        database.wake_here(self)
        self._source = source
        self._wake = asyncio.Event()
        self.publishes = False
        self._lock_key = int.from_bytes(hashlib.sha256(f"relay:{source}".encode()).digest()[:8], "big", signed=True)

    def wake(self) -> None:
        """Look for events at once."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled; begin again whenever the database or the bus goes away."""
        pause = 0.1
        while True:
            try:
                await self._hold_the_lock_and_publish()
                pause = 0.1
            except (asyncpg.PostgresError, asyncpg.InterfaceError, *amqp.LOST) as lost:
                log.warning("relay starts over", error=repr(lost), source=self._source)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RESTART_SECONDS_MAX)

    async def _hold_the_lock_and_publish(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=10, server_settings=QUICK)
        try:
            await self._own_the_lock(connection)
            await connection.add_listener(EVENTS_CHANNEL, lambda *_: self._wake.set())
            bus = await amqp.connect(self._amqp_url, f"{self._source} relay")
            try:
                channel = await bus.channel(publisher_confirms=True, on_return_raises=True)
                await channel.get_exchange(amqp.EXCHANGE)
                driver = await channel.get_underlay_channel()
                assert isinstance(driver, Channel)
                log.info("relay publishes", source=self._source)
                self.publishes = True
                await self._publish_forever(connection, driver)
            finally:
                self.publishes = False
                await bus.close()
        finally:
            connection.terminate()

    async def _own_the_lock(self, connection: "asyncpg.Connection[Any]") -> None:
        """Wait until no other relay of this service publishes; asking again is what lets a cancelled wait end."""
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock_key):  # noqa: ASYNC110
            await asyncio.sleep(LOCK_RETRY_SECONDS)

    async def _publish_forever(self, connection: "asyncpg.Connection[Any]", channel: Channel) -> None:
        sent: Rows = []
        while True:
            self._wake.clear()
            rows = await connection.fetch(CLAIM, *_these(sent))
            sent = await self._publish_all(connection, channel, rows) if rows else []
            if len(rows) < BATCH_MAX:
                events_caught_up.labels(self._source).set_to_current_time()
                try:
                    # not wait_for: before Python 3.12 it loses a cancellation that arrives together with its result
                    async with asyncio.timeout(MARK_SECONDS if sent else POLL_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def _publish_all(self, connection: "asyncpg.Connection[Any]", channel: Channel, rows: Rows) -> Rows:
        """Publish rows; return those to be marked. Raises when the bus failed: what it confirmed is marked first."""
        answers = await asyncio.gather(*(self._publish(channel, row) for row in rows), return_exceptions=True)
        sent = [row for row, answer in zip(rows, answers, strict=True) if not isinstance(answer, BaseException)]
        lost = [row for row, answer in zip(rows, answers, strict=True) if isinstance(answer, DeliveryError)]
        if lost:
            await connection.execute(MARK_RETRY, *_these(lost), UNROUTABLE_RETRY_SECONDS)
        self._count(sent, lost)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, DeliveryError):
                await connection.execute(MARK_SENT, *_these(sent))
                raise answer
        return sent

    async def _publish(self, channel: Channel, row: asyncpg.Record) -> None:
        body = dumps(
            {
                "id": row["id"],
                "type": row["type"],
                "source": self._source,
                "time": row["occurred_at"],
                "subject": row["subject"],
                "owner": row["owner_id"],
                "correlation_id": row["correlation_id"],
                "causation_id": row["causation_id"],
                "version": row["position"],
                "data": Fragment(row["data"]),
            }
        )
        properties = spec.Basic.Properties(
            message_id=str(row["id"]),
            message_type=row["type"],
            content_type="application/json",
            delivery_mode=2,  # on disk
            timestamp=row["occurred_at"],
            headers=_headers(row),
        )
        await channel.basic_publish(
            body,
            exchange=amqp.EXCHANGE,
            routing_key=row["type"],
            properties=properties,
            mandatory=row["must_reach"],
            timeout=PUBLISH_TIMEOUT_SECONDS,
            wait=False,  # for the line: for the confirm it does
        )

    def _count(self, sent: Rows, unroutable: Rows) -> None:
        moment = now()
        for row in sent:
            events_published.labels(row["type"]).inc()
            events_lag_seconds.labels(self._source).observe((moment - row["occurred_at"]).total_seconds())
            traces.tell_published(row["id"], row["correlation_id"], row["type"], (row["occurred_at"], moment))
        for row in unroutable:
            events_unroutable.labels(row["type"]).inc()
            log.error("nobody is bound for an event that must be heard", type=row["type"], id=str(row["id"]))


def _these(rows: Rows) -> tuple[list[UUID], UUID | None, UUID | None]:
    ids = [row["id"] for row in rows]
    return ids, min(ids, default=None), max(ids, default=None)


def _headers(row: asyncpg.Record) -> FieldTable:
    """What consumers know before they read: whose it is, and its span, for those that do not know how we name them."""
    headers: FieldTable = {"owner": str(row["owner_id"] or "")}
    if traces.is_on():
        headers["traceparent"] = traces.traceparent(row["id"], row["correlation_id"])
    return headers
