"""Replays: an admin turns a stored day into a live session."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter
from kit.auth import Admin
from kit.clock import now
from kit.db import PublicSession, SystemSession
from kit.errors import AUTHENTICATED, responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict, Field, model_validator
from quant.markets.listing import Market

from market.api.types import Symbol
from market.domain.playback import TICKS_MIN
from market.domain.replay import Replay, ReplayId
from market.errors import NothingToReplay, ReplayNotFound, ReplayRunning
from market.store import replays
from market.usecases.start_replay import ReplayRequest, start_replay
from market.usecases.stop_replay import stop_replay

SYMBOLS_MAX = 200
DURATION_SECONDS_MAX = 3_600
TICKS_MAX = 72_000
TICKS_PER_SECOND_DEFAULT = 2
QUOTES_PER_SECOND_MAX = 2_000
"""Over all symbols: what one worker publishes with ease."""

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class NewReplay(BaseModel):
    """Which day of which symbols, in how much time."""

    model_config = ConfigDict(extra="forbid")

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=SYMBOLS_MAX)]
    trading_date: Annotated[date, Field(examples=["2024-12-16"])]
    duration_seconds: Annotated[int, Field(ge=1, le=DURATION_SECONDS_MAX)]
    ticks_per_symbol: Annotated[
        int | None, Field(ge=TICKS_MIN, le=TICKS_MAX, description="Two a second when left out")
    ] = None
    hold_open: Annotated[
        bool, Field(description="Keep the last quote alive, and the session open, until the replay is stopped")
    ] = False

    @property
    def ticks(self) -> int:
        """How many ticks each symbol gets."""
        return self.ticks_per_symbol or max(self.duration_seconds * TICKS_PER_SECOND_DEFAULT, TICKS_MIN)

    @model_validator(mode="after")
    def _pace_is_possible(self) -> Self:
        if len(set(self.symbols)) * self.ticks > QUOTES_PER_SECOND_MAX * self.duration_seconds:
            raise ValueError(f"more than {QUOTES_PER_SECOND_MAX} quotes a second: fewer symbols or ticks, or more time")
        return self


class ReplayView(BaseModel):
    """A replay and how far it has come."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    market: Market
    symbols: list[str]
    trading_date: date
    duration_seconds: int
    ticks_per_symbol: int
    hold_open: bool
    status: Literal["waiting", "running", "stopping", "finished", "stopped"]
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@router.post("/replays", status_code=201, responses={**AUTHENTICATED, **responses(NothingToReplay, ReplayRunning)})
async def create_replay(admin: Admin, session: SystemSession, body: NewReplay) -> ReplayView:
    """Replay a stored day as live quotes; it begins within a second or two."""
    request = ReplayRequest(
        symbols=tuple(dict.fromkeys(body.symbols)),
        trading_date=body.trading_date,
        duration_seconds=body.duration_seconds,
        ticks_per_symbol=body.ticks,
        hold_open=body.hold_open,
    )
    return _view(await start_replay(session, ReplayId(new_id()), request, admin.user_id, now()))


@router.get("/replays/{replay_id}", responses={**AUTHENTICATED, **responses(ReplayNotFound)})
async def read_replay(_admin: Admin, session: PublicSession, replay_id: UUID) -> ReplayView:
    """Show a replay."""
    replay = await replays.find(session, ReplayId(replay_id))
    if replay is None:
        raise ReplayNotFound(f"There is no replay {replay_id}.")
    return _view(replay)


@router.delete("/replays/{replay_id}", responses={**AUTHENTICATED, **responses(ReplayNotFound)})
async def delete_replay(_admin: Admin, session: SystemSession, replay_id: UUID) -> ReplayView:
    """Stop a replay: its session closes within a second or two."""
    return _view(await stop_replay(session, ReplayId(replay_id), now()))


def _view(replay: Replay) -> ReplayView:
    return ReplayView.model_validate(replay)
