"""What worker and computers work with: the database, where bars come from, where work goes, and the time."""

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from kit.db import Database
from quant.backtest import Universe

from backtest.domain.prices import History
from backtest.domain.run import Terms
from backtest.domain.strategy import Portfolio


@dataclass(frozen=True)
class Workshop:
    """Use cases get their tools from here, so that none of them knows a client, a pool or the clock."""

    database: Database
    history_of: Callable[[Terms], Awaitable[History | None]]
    """Asks market; raises Unavailable while it cannot be reached."""
    pool: Executor | None
    clock: Callable[[], datetime]
    code_version: str
    hand_out: Callable[[int], Awaitable[None]]
    """Puts so many tickets into the queue that computers take them from; raises Unavailable while it is away."""
    universe_of: Callable[[Terms, Portfolio, Sequence[str]], Awaitable[Universe | None]]
    """The same for a portfolio's universe, with these figures of companies."""
    bounds: Callable[[], AbstractContextManager[None]]
    """Around computing: raises OutOfBounds for what takes too long or too much."""
