"""What is in the books when a transaction ends, and whether it waits for the disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from broker.store import portions
from kit import db

HURRIED = "SELECT source = 'session' FROM pg_settings WHERE name = 'synchronous_commit'"
"""Whether this transaction was told not to wait for the disk; a server of tests may do so by itself."""
Ended = list[tuple[bool, int, int]]
"""Of each transaction whether it was hurried, and how many attempts and orders there were before it ended."""


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ended]:
    """Listen to every COMMIT, and to the one statement that needs none."""
    ended: Ended = []
    say, save_first = db._say, portions.save_first

    async def look(driver: Any) -> None:
        there = [await driver.fetchval(f"SELECT count(*) FROM {each}") for each in ("attempts", "sim_orders")]
        ended.append((await driver.fetchval(HURRIED), *there))

    async def says(driver: Any, command: str) -> str:
        if "COMMIT" in command:
            await look(driver)
        return await say(driver, command)

    async def saves(session: db.Session, answers: Any) -> list[bool]:
        await look(db.driver_of(session))
        return await save_first(session, answers)

    with monkeypatch.context() as patched:
        patched.setattr(db, "_say", says)
        patched.setattr(portions, "save_first", saves)
        yield ended
