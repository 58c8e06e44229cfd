"""How many streams each user has open, over all processes of the service.

A seat is a member of a sorted set in Redis, by when its lease ends: a process renews the seats of its clients, and what
a dead one has left is free again when the lease is over. Redis tells the time, for all machines. While it is away each
process still counts its own clients.
"""

import asyncio
from collections import defaultdict
from typing import Final
from uuid import UUID

import structlog
from kit.ids import new_id
from redis.asyncio import Redis
from redis.exceptions import RedisError

SEATS_PER_USER_MAX: Final = 5
LEASE_SECONDS: Final = 30.0
RENEWALS: Final = 3
"""Tries to renew within one lease."""
KEY: Final = "realtime.seats"
AWAY: Final = (RedisError, OSError, TimeoutError)

log = structlog.get_logger()


class Seats:
    """The seats that clients of this process have taken."""

    def __init__(self, cache: Redis, lease_seconds: float = LEASE_SECONDS) -> None:
        self._cache = cache
        self._lease_seconds = lease_seconds
        self._own: defaultdict[UUID, set[str]] = defaultdict(set)

    async def take(self, user_id: UUID) -> str | None:
        """Take a seat; None when its user has as many as allowed, here or anywhere."""
        if len(self._own[user_id]) >= SEATS_PER_USER_MAX:
            return None
        seat = str(new_id())
        self._own[user_id].add(seat)
        try:
            taken = await self._count_with(user_id, seat)
        except AWAY as away:
            log.warning("seats are counted here alone", error=repr(away))
            return seat
        except BaseException:
            self._forget(user_id, seat)
            raise
        if taken > SEATS_PER_USER_MAX:
            await self.leave(user_id, seat)
            return None
        return seat

    async def leave(self, user_id: UUID, seat: str) -> None:
        """Give a seat back; one that Redis cannot be told of ends with its lease."""
        self._forget(user_id, seat)
        try:
            await self._cache.zrem(f"{KEY}:{user_id}", seat)
        except AWAY as away:
            log.warning("a seat is free only when its lease is over", error=repr(away))

    async def keep(self) -> None:
        """Renew the seats of this process until cancelled, also those that Redis has lost."""
        while True:
            await asyncio.sleep(self._lease_seconds / RENEWALS)
            try:
                await self._renew()
            except AWAY as away:
                log.warning("seats are not renewed", error=repr(away))

    async def _count_with(self, user_id: UUID, seat: str) -> int:
        key, moment = f"{KEY}:{user_id}", await self._now()
        async with self._cache.pipeline(transaction=True) as pipeline:
            pipeline.zremrangebyscore(key, "-inf", moment)
            pipeline.zadd(key, {seat: moment + self._lease_seconds})
            pipeline.zcard(key)
            pipeline.pexpire(key, round(self._lease_seconds * 1_000))
            return int((await pipeline.execute())[2])

    async def _renew(self) -> None:
        if not self._own:
            return
        until = await self._now() + self._lease_seconds
        async with self._cache.pipeline(transaction=False) as pipeline:
            for user_id, seats in self._own.items():
                if seats:
                    pipeline.zadd(f"{KEY}:{user_id}", dict.fromkeys(seats, until))
                    pipeline.pexpire(f"{KEY}:{user_id}", round(self._lease_seconds * 1_000))
            await pipeline.execute()

    async def _now(self) -> float:
        seconds, microseconds = await self._cache.time()
        return float(seconds) + microseconds / 1e6

    def _forget(self, user_id: UUID, seat: str) -> None:
        self._own[user_id].discard(seat)
        if not self._own[user_id]:
            del self._own[user_id]
