"""What the worker works with: the database, where bars come from, threads to compute on, and the time."""

from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from kit.db import Database

from backtest.domain.prices import History
from backtest.domain.run import Terms


@dataclass(frozen=True)
class Workshop:
    """Use cases get their tools from here, so that none of them knows a client, a pool or the clock."""

    database: Database
    history_of: Callable[[Terms], Awaitable[History | None]]
    """Asks market; raises Unavailable while it cannot be reached."""
    pool: Executor
    clock: Callable[[], datetime]
    code_version: str
