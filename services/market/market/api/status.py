"""Market status: which session runs now, by calendar and by replay."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import PublicSession
from kit.errors import AUTHENTICATED
from pydantic import BaseModel, ConfigDict
from quant.markets.listing import Market

from market.domain.sessions import session_at
from market.store import replays

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class MarketStatus(BaseModel):
    """A market's running session, or the next one."""

    model_config = ConfigDict(from_attributes=True)

    market: Market
    session: Literal["regular", "closed"]
    trading_date: date
    opens_at: datetime
    closes_at: datetime


class ReplayedSession(BaseModel):
    """A past day that is quoted as if it were now."""

    replay_id: UUID
    market: Market
    trading_date: date
    symbols: list[str]


class Status(BaseModel):
    """Both markets, and the replays that are open."""

    items: list[MarketStatus]
    replays: list[ReplayedSession]


@router.get("/status", responses=AUTHENTICATED)
async def read_status(_user: CurrentUser, session: PublicSession) -> Status:
    """Show whether the markets are open, and what is being replayed."""
    moment = now()
    return Status(
        items=[
            MarketStatus.model_validate(session_at("KRX", moment)),
            MarketStatus.model_validate(session_at("US", moment)),
        ],
        replays=[
            ReplayedSession(
                replay_id=replay.id,
                market=replay.market,
                trading_date=replay.trading_date,
                symbols=list(replay.symbols),
            )
            for replay in await replays.list_active(session)
            if replay.status == "running"
        ],
    )
