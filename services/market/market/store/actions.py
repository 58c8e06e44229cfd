"""Corporate actions, and the adjustments that follow from them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from kit.db import Session
from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from market.domain.adjustment import ActionKind, Adjustment, CorporateAction
from market.store.tables import adjustments, corporate_actions

SHARED = "what a company does is the same for every user"

ACTIONS_MAX = 500
ADJUST_LOCK = 4_901_004


async def lock(session: Session) -> None:
    """Let one change of actions run at a time, until the end of the transaction."""
    await session.execute(select(func.pg_advisory_xact_lock(ADJUST_LOCK)))


async def save(session: Session, action: CorporateAction) -> None:
    """Keep an action; one of the same kind and day is replaced."""
    values = asdict(action)
    changing = {name: values[name] for name in ("price_factor", "volume_factor", "source")}
    statement = upsert(corporate_actions).values(values)
    await session.execute(statement.on_conflict_do_update(index_elements=["symbol", "ex_day", "kind"], set_=changing))


async def delete_one(session: Session, symbol: str, ex_day: date, kind: ActionKind) -> bool:
    """Take an action back; False when there was none."""
    table = corporate_actions.c
    statement = delete(corporate_actions).where(table.symbol == symbol, table.ex_day == ex_day, table.kind == kind)
    return (await session.execute(statement)).rowcount == 1


async def list_of(session: Session, symbol: str) -> list[CorporateAction]:
    """A symbol's actions, oldest first."""
    wanted = select(corporate_actions).where(corporate_actions.c.symbol == symbol)
    found = await session.execute(wanted.order_by(corporate_actions.c.ex_day).limit(ACTIONS_MAX))
    return [_action(row) for row in found]


async def save_adjustments(session: Session, symbol: str, spans: Sequence[Adjustment]) -> None:
    """Replace a symbol's adjustments."""
    await session.execute(delete(adjustments).where(adjustments.c.symbol == symbol))
    if spans:
        await session.execute(insert(adjustments), [asdict(span) | {"symbol": symbol} for span in spans])


def _action(row: Row[Any]) -> CorporateAction:
    return CorporateAction(**dict(row._mapping))
