"""Passwords are hashed with argon2id, a few at a time and politely: a flood of log-ins must not slow an order."""

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import VerifyMismatchError
from kit.errors import Unavailable

MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
WAITING_MAX = 200
NICENESS = 10
"""Linux schedules threads one by one: hashing takes what orders leave over."""

Result = TypeVar("Result")


class Hasher:
    """Hands out turns; only who has one can hash."""

    def __init__(self, at_once: int) -> None:
        self._argon2 = Argon2(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)
        self._threads = ThreadPoolExecutor(at_once, "hashing", initializer=_step_back)
        self._turns = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._nobodys = self._argon2.hash(secrets.token_hex())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator["Turn"]:
        """Wait for a turn.

        Raises:
            Unavailable: when too many wait already.
        """
        if self._waiting >= WAITING_MAX:
            raise Unavailable("Many people are logging in at this moment; try again in a few seconds.", 5)
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield Turn(self)
        finally:
            self._turns.release()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run in a hashing thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def hash_now(self, password: str) -> str:
        """Hash in this thread."""
        return self._argon2.hash(password)

    def fits_now(self, password_hash: str | None, password: str) -> bool:
        """Verify in this thread; an account that does not exist takes as long as one that does."""
        try:
            return self._argon2.verify(password_hash or self._nobodys, password) and password_hash is not None
        except VerifyMismatchError:
            return False

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with less work than we ask for today."""
        return self._argon2.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Turn:
    """The right to hash, for as long as `Hasher.turn` is open. Passwords are given normalised."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher

    async def hash(self, password: str) -> str:
        """Hash with a fresh salt."""
        return await self._hasher.run(lambda: self._hasher.hash_now(password))

    async def fits(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is the one; None is nobody's hash, which no password fits."""
        return await self._hasher.run(lambda: self._hasher.fits_now(password_hash, password))


def _step_back() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
