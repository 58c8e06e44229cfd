"""Replays: what was asked for, and how far it has come; the worker is told of news by NOTIFY."""

from dataclasses import asdict
from typing import Any

from kit.db import Session
from sqlalchemy import RowMapping, func, select
from sqlalchemy.dialects.postgresql import insert

from market.domain.replay import ACTIVE, Replay, ReplayId
from market.store.tables import replays

SHARED = "a replayed session is quoted to every user"

CHANNEL = "market_replays"
START_LOCK = 4_901_002


async def find(session: Session, replay_id: ReplayId) -> Replay | None:
    """The replay as it was last saved."""
    found = await session.execute(select(replays).where(replays.c.id == replay_id))
    row = found.mappings().one_or_none()
    return _replay(row) if row is not None else None


async def lock(session: Session, replay_id: ReplayId) -> Replay | None:
    """The replay, kept from everybody else until the end of the transaction."""
    found = await session.execute(select(replays).where(replays.c.id == replay_id).with_for_update())
    row = found.mappings().one_or_none()
    return _replay(row) if row is not None else None


async def lock_starting(session: Session) -> None:
    """Let one replay begin at a time, so that two cannot take the same symbol."""
    await session.execute(select(func.pg_advisory_xact_lock(START_LOCK)))


async def list_active(session: Session) -> list[Replay]:
    """Everything that is waiting, running or about to stop, oldest first."""
    active = select(replays).where(replays.c.finished_at.is_(None), replays.c.status.in_(ACTIVE))
    found = await session.execute(active.order_by(replays.c.requested_at))
    return [_replay(row) for row in found.mappings()]


async def save(session: Session, replay: Replay) -> None:
    """Keep a replay's state, and wake the worker when this commits."""
    values = asdict(replay) | {"symbols": list(replay.symbols)}
    changing = {name: values[name] for name in ("status", "started_at", "finished_at")}
    await session.execute(insert(replays).values(values).on_conflict_do_update(index_elements=["id"], set_=changing))
    await session.execute(select(func.pg_notify(CHANNEL, "")))


def _replay(row: RowMapping) -> Replay:
    values: dict[str, Any] = dict(row)
    return Replay(**values | {"symbols": tuple(values["symbols"])})
