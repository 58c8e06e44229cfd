"""A user's streams are counted over all processes, and those of a dead one only for as long as its lease."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from typing import Any

import pytest
from kit import cache
from kit.ids import new_id
from kit.testing.tasks import ended
from kit.testing.tokens import Tokens
from market.app import create_app
from market.config import Settings
from market.seats import KEY, SEATS_PER_USER_MAX, Seats
from redis.asyncio import Redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

LEASE_SECONDS = 3.0
PATIENCE_SECONDS = 60.0
ONE_THAT_DIES = """
import asyncio, sys, uuid
from kit import cache
from market.seats import Seats

async def main():
    seats = Seats(cache.connect(sys.argv[1]), float(sys.argv[3]))
    for _ in range(5):
        assert await seats.take(uuid.UUID(sys.argv[2]))
    print("taken", flush=True)
    await seats.keep()

asyncio.run(main())
"""


@pytest.mark.requirement("R-32", "R-34")
async def test_a_sixth_connection_is_refused_whichever_process_it_comes_to(
    settings: Settings, tokens: Tokens, served: Any
) -> None:
    token = tokens.for_user(new_id())
    one, other = (create_app(settings, tokens.verifier) for _ in range(2))
    async with served(one) as here, served(other) as there:
        opened = []
        for host in (here, there, here, there, here):
            connection = await connect(f"ws://{host}/ws/market", subprotocols=["bearer", token], close_timeout=1)
            assert "authenticated" in await connection.recv()
            await connection.send('{"action":"ping"}')
            assert "pong" in await connection.recv()
            opened.append(connection)
        for host in (here, there):
            async with connect(f"ws://{host}/ws/market", subprotocols=["bearer", token]) as sixth:
                await sixth.recv()
                with pytest.raises(ConnectionClosed):
                    await sixth.recv()
                assert sixth.close_code == 4429
        for connection in opened:
            await connection.close()


@pytest.mark.requirement("R-34")
async def test_the_seats_of_a_killed_process_are_free_when_its_lease_is_over(redis: Redis, redis_url: str) -> None:
    user, seats = new_id(), Seats(redis, LEASE_SECONDS)
    arguments = (ONE_THAT_DIES, redis_url, str(user), str(LEASE_SECONDS))
    dying = await asyncio.create_subprocess_exec(sys.executable, "-c", *arguments, stdout=PIPE)
    try:
        assert dying.stdout is not None
        assert await asyncio.wait_for(dying.stdout.readline(), PATIENCE_SECONDS) == b"taken\n"
        await asyncio.sleep(LEASE_SECONDS * 1.5)
        assert await seats.take(user) is None, "a living process keeps its seats beyond one lease"
    finally:
        dying.kill()
        await dying.wait()
    assert await seats.take(user) is None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await seats.take(user) is None:  # noqa: ASYNC110 - the lease has no event
            await asyncio.sleep(0.2)


async def test_a_seat_that_redis_lost_is_there_again_and_one_given_back_is_not(redis: Redis) -> None:
    user, seats = new_id(), Seats(redis, 0.3)
    kept, left = await seats.take(user), await seats.take(user)
    assert kept is not None
    assert left is not None
    await seats.leave(user, left)
    await redis.delete(f"{KEY}:{user}")
    keeping = asyncio.create_task(seats.keep())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await redis.zrange(f"{KEY}:{user}", 0, -1) != [kept]:  # noqa: ASYNC110 - asks a server
                await asyncio.sleep(0.05)
    finally:
        await ended(keeping)


async def test_while_redis_is_away_a_process_counts_its_own() -> None:
    user, seats = new_id(), Seats(cache.connect("redis://127.0.0.1:9/0"))
    taken = [await seats.take(user) for _ in range(SEATS_PER_USER_MAX + 1)]
    assert taken[-1] is None
    assert None not in taken[:-1]
    await seats.leave(user, str(taken[0]))
    assert await seats.take(user) is not None
