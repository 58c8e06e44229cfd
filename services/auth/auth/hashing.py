"""Passwords are hashed with argon2id, a few at a time and politely: a flood of log-ins must not slow an order."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from kit.errors import Unavailable

from auth.hashing_process import Gone, HashingProcess, argon2

WAITING_MAX = 40
"""Who would wait longer than about a second is told at once: a long queue helps nobody and costs memory."""
KNOWN_WAITING_MAX = 50
"""So many wait at most: the last places are for devices that somebody has logged in from, and whoever has a session."""
RETRY_AFTER_SECONDS = 5
NOBODYS: Final = "$argon2id$v=19$m=19456,t=2,p=1$ckc/kS1++RNf4lFQN1Jetg$d2FrUIwwk1lQLtiw+ziwYMGoqwHHcxqOwTs2bU4mZdY"
"""The hash of a password that was forgotten at once: an account that does not exist takes as long as one that does."""


class Crowded(Unavailable):
    """Too many wait for a turn to hash."""

    def __init__(self) -> None:
        super().__init__("Many people are logging in at this moment; try again in a few seconds.", RETRY_AFTER_SECONDS)


class Hasher:
    """Hands out turns; only who has one can hash."""

    def __init__(self, at_once: int, niceness: int) -> None:
        self._niceness = niceness
        self._threads = ThreadPoolExecutor(at_once, "hashing")
        self._turns = asyncio.Semaphore(at_once)
        self.waiting = 0
        """How many wait for a turn."""
        self._idle: list[HashingProcess] = []
        self._closed = False

    @property
    def is_crowded(self) -> bool:
        """Whether a stranger who comes now is told to come again."""
        return self.waiting >= WAITING_MAX

    @property
    def is_full(self) -> bool:
        """Whether everybody is."""
        return self.waiting >= KNOWN_WAITING_MAX

    @asynccontextmanager
    async def turn(self) -> AsyncIterator["Turn"]:
        """Wait for a turn.

        Raises:
            Crowded: when too many wait already.
        """
        if self.is_full:
            raise Crowded
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        try:
            yield Turn(self)
        finally:
            self._turns.release()

    async def ask(self, password: str, against: str | None = None) -> str | bool:
        """Ask a hashing process: one that is there, else a new one."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, password, against)

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with less work than we ask for today."""
        return argon2.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Let threads and processes end."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            self._idle.pop().end()

    def _ask(self, password: str, against: str | None) -> str | bool:
        process = self._idle.pop() if self._idle else HashingProcess(self._niceness)
        try:
            found = process.ask(password, against)
        except Gone:  # killed, because memory was short or by an operator: once more with a new one
            process = HashingProcess(self._niceness)
            found = process.ask(password, against)
        self._idle.append(process)
        if self._closed:
            self.close()
        return found


class Turn:
    """The right to hash, for as long as `Hasher.turn` is open. Passwords are given normalised."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher

    async def hash(self, password: str) -> str:
        """Hash with a fresh salt."""
        return str(await self._hasher.ask(password))

    async def fits(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is the one; None is nobody's hash, which no password fits."""
        return bool(await self._hasher.ask(password, password_hash or NOBODYS)) and password_hash is not None
