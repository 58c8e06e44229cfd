"""Ask for a replay: the worker plays it as soon as it hears of it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from kit.db import Session
from kit.errors import FieldError

from market.domain.replay import Replay, ReplayId
from market.errors import NothingToReplay, ReplayRunning
from market.store import bars, instruments, replays


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What is to be replayed, and how."""

    symbols: tuple[str, ...]
    trading_date: date
    duration_seconds: int
    ticks_per_symbol: int
    hold_open: bool


async def start_replay(
    session: Session, replay_id: ReplayId, request: ReplayRequest, requested_by: UUID, moment: datetime
) -> Replay:
    """Store a replay that waits for the worker, after making sure that there is something to play."""
    await replays.lock_starting(session)
    await _refuse_overlap(session, request)
    known = await instruments.find_many(session, request.symbols)
    days = await bars.find_day(session, request.symbols, request.trading_date)
    missing = [symbol for symbol in request.symbols if symbol not in days or days[symbol][0].halted]
    if missing:
        day = request.trading_date
        raise NothingToReplay(
            f"No trading of {', '.join(missing[:3])} on {day} is stored: import its bars, or choose another day.",
            errors=[
                FieldError(field="symbols", message=f"{code}: no traded bar on {day}", code="no_bar")
                for code in missing
            ],
        )
    markets = {known[symbol].market for symbol in request.symbols}
    if len(markets) > 1:
        raise NothingToReplay("The symbols are of two markets: start one replay for each.")
    replay = Replay(
        id=replay_id,
        market=markets.pop(),
        symbols=request.symbols,
        trading_date=request.trading_date,
        duration_seconds=request.duration_seconds,
        ticks_per_symbol=request.ticks_per_symbol,
        hold_open=request.hold_open,
        status="waiting",
        requested_by=requested_by,
        requested_at=moment,
        started_at=None,
        finished_at=None,
    )
    await replays.save(session, replay)
    return replay


async def _refuse_overlap(session: Session, request: ReplayRequest) -> None:
    for other in await replays.list_active(session):
        if taken := sorted(set(request.symbols) & set(other.symbols)):
            raise ReplayRunning(
                f"{', '.join(taken[:3])} is being replayed: stop that replay first, or wait until it ends.",
                replay_id=other.id,
            )
