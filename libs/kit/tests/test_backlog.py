"""What waited while the bus was away is worked off in time."""

import asyncio
import json
import os
import time
from typing import Any

import asyncpg
import pytest
from kit import relay
from kit.consumer import Consumer
from kit.db import Session
from kit.events import Envelope, record
from kit.ids import new_id
from kit.testing.databases import TestDatabase

from libs.kit.tests.bus import INSERT, NotePinned, PinnedFact, Reader, a_relay, running, wait_for_queue

OWNERS = 100
FACTS_EACH = 300 if os.environ.get("EXODUS_CHAOS") == "all" else 30
"""Ten minutes of 50 a second, in `make chaos`; otherwise a tenth of that."""
WORKED_OFF_SECONDS_MAX = 120
SENT_PAGES_MIN = 25
"""On which the facts of a test lie."""


@pytest.mark.requirement("R-17")
@pytest.mark.timeout(400)
async def test_ten_minutes_of_facts_that_waited_are_worked_off_within_two(
    reader: Reader, fresh: TestDatabase, amqp_url: str
) -> None:
    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def copy(session: Session, fact: PinnedFact, message: Envelope) -> None:
        await session.execute(INSERT, {"id": new_id(), "owner": message.owner, "words": fact.words})
        reader.seen.append(fact.words)

    for owner in (new_id() for _ in range(OWNERS)):
        async with reader.database.owned(owner) as session:
            facts = [NotePinned(note_id=new_id(), words=str(number)) for number in range(FACTS_EACH)]
            await record(session, *facts, owner=owner)
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        began = time.monotonic()
        async with (
            running(a_relay(fresh, amqp_url, reader.database).run()),
            asyncio.timeout(2 * WORKED_OFF_SECONDS_MAX),
        ):
            while len(reader.seen) < OWNERS * FACTS_EACH:  # noqa: ASYNC110 - another task's list
                await asyncio.sleep(0.1)
        assert time.monotonic() - began < WORKED_OFF_SECONDS_MAX


async def test_looking_for_what_is_unsent_does_not_read_what_was_sent(reader: Reader, fresh: TestDatabase) -> None:
    async with reader.database.owned(owner := new_id()) as session:
        await record(session, *(NotePinned(note_id=new_id(), words="w" * 300) for _ in range(500)), owner=owner)
    dsn = fresh.system_url.replace("+asyncpg", "")
    relays = await asyncpg.connect(dsn, server_settings=relay.QUICK)
    another = await asyncpg.connect(dsn, server_settings={"enable_indexscan": "off", "enable_seqscan": "off"})

    async def pages(connection: "asyncpg.Connection[Any]") -> int:
        async with connection.transaction():
            explained = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + relay.CLAIM
            [plan] = json.loads(await connection.fetchval(explained, [], None, None))
        return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])

    try:
        await relays.execute("UPDATE events SET published_at = now()")
        assert min([await pages(another) for _ in range(2)]) > SENT_PAGES_MIN, (
            "a bitmap never learns that they are dead"
        )
        # the first finds them dead, and says so in the index
        assert min([await pages(relays) for _ in range(4)]) < SENT_PAGES_MIN / 2
    finally:
        await relays.close()
        await another.close()
