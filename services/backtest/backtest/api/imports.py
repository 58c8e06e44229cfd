"""/api/v1/backtest/strategies/import: keep a strategy that was written for another program."""

import asyncio
from typing import Annotated

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from pydantic import BaseModel, ConfigDict, Field

from backtest.api.strategies import StrategyOut
from backtest.domain.kis_file import content_of
from backtest.domain.marked import Unreadable
from backtest.domain.strategy import Content
from backtest.errors import InvalidRule, InvalidStrategyFile
from backtest.marked_yaml import FILE_LENGTH_MAX, read_marked
from backtest.usecases.create_strategy import create_strategy

router = APIRouter(prefix="/api/v1/backtest/strategies", tags=["strategies"])


class FileIn(BaseModel):
    """A file of the strategy builder of Korea Investment & Securities, format 1.0, as text."""

    model_config = ConfigDict(extra="forbid")

    kis_yaml: Annotated[str, Field(min_length=1, max_length=FILE_LENGTH_MAX)]


@router.post("/import", status_code=201, responses={**AUTHENTICATED, **responses(InvalidStrategyFile, InvalidRule)})
async def import_strategy(body: FileIn, session: OwnedSession, user: CurrentUser) -> StrategyOut:
    """Keep the strategy of a `.kis.yaml` file; parameters have their defaults.

    What means something else here is refused; `errors[].field` names the line and the column.
    """
    content = await asyncio.to_thread(_read, body.kis_yaml)
    return StrategyOut.of(await create_strategy(session, user.user_id, content, now()))


def _read(text: str) -> Content:
    try:
        return content_of(read_marked(text))
    except Unreadable as mistake:
        raise InvalidStrategyFile(mistake) from None
