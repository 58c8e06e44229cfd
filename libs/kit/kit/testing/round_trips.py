"""How often a test asks the database for something, and a relay for tests in which one is in the same process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

ASKING = ("fetch", "fetchmany", "execute", "executemany", "prepare")


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the driver is asked, whoever asks it: each a round trip."""
    asked: list[str] = []

    def counting(name: str) -> None:
        method = getattr(asyncpg.Connection, name)

        async def counted_method(self: Any, *args: Any, **options: Any) -> Any:
            asked.append(name)
            return await method(self, *args, **options)

        patch.setattr(asyncpg.Connection, name, counted_method)

    with monkeypatch.context() as patch:
        for name in ASKING:
            counting(name)
        yield asked


class RelayHere:
    """A relay in this process, as a worker has one: no other has to be told by the database."""

    publishes = True

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        """Count it."""
        self.woken += 1
