"""Keep our own copy of a strategy's published version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session

from trading.store import automations


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version that never changes, as backtest announced it."""

    strategy_id: UUID
    version: int
    name: str
    document: dict[str, Any]


async def record_strategy(session: Session, owner: UUID, published: Published, at: datetime) -> None:
    """Remember a version; told again, it is the same one."""
    version = (published.strategy_id, published.version)
    await automations.save_strategy(session, owner, version, (published.name, published.document), at)
