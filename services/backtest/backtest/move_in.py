"""Takes over somebody's strategies from another installation: `python -m backtest.move_in [--rehearse] < file.json`.

One document: `{"owner": id, "strategies": [{"id", "name", "entry", "exit", …}]}`, the rest as the API takes a strategy.
All of a person's come in one transaction, each once, however often this is run; a rehearsal takes it back.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from kit.clock import now  # tidy: allow clock because a command line is an entry, like app.py and worker.py
from kit.db import Database
from kit.errors import AppError
from kit.settings import load
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backtest.api.strategies import StrategyIn
from backtest.config import Settings
from backtest.domain.strategy import StrategyId
from backtest.errors import InvalidRule
from backtest.resources import open_database
from backtest.usecases.take_over_strategy import take_over_strategy

STRATEGIES_MAX = 1_000


class MovedStrategy(StrategyIn):
    """A strategy under the id that it will always be moved to."""

    id: UUID


class MovingIn(BaseModel):
    """Everything of one person."""

    model_config = ConfigDict(extra="forbid")

    owner: UUID
    strategies: Annotated[list[MovedStrategy], Field(max_length=STRATEGIES_MAX)]


class _TakenBack(Exception):
    """Ends the transaction of a rehearsal."""


async def move_in(database: Database, moving: MovingIn, *, rehearse: bool) -> int:
    """Take the strategies over; return how many were new. Nothing stays of a rehearsal, nor of a failure."""
    new = 0
    with suppress(_TakenBack):
        async with database.owned(moving.owner) as session:
            for each in moving.strategies:
                new += await take_over_strategy(session, moving.owner, StrategyId(each.id), each.content, now())
            if rehearse:
                raise _TakenBack
    return new


async def _run(moving: MovingIn, *, rehearse: bool) -> int:
    async with open_database(load(Settings)) as database:
        return await move_in(database, moving, rehearse=rehearse)


def main() -> int:
    """Read the document, do it, say how many strategies were new."""
    try:
        moving = MovingIn.model_validate_json(sys.stdin.read())
        new = asyncio.run(_run(moving, rehearse="--rehearse" in sys.argv[1:]))
    except ValidationError as wrong:
        lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors(include_input=False)]
        sys.stderr.write("\n".join(lines) + "\n")
        return 1
    except InvalidRule as invalid:
        sys.stderr.write("\n".join(f"{error.field}: {error.message}" for error in invalid.errors) + "\n")
        return 1
    except AppError as failed:
        sys.stderr.write(f"{failed.detail}\n")
        return 1
    sys.stdout.write(f"{new}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
