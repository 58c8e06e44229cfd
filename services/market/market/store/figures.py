"""Investor flows and disclosures: written by the pipelines, read by anybody."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from kit.db import Session
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from market.domain.figures import Disclosure, Flow
from market.store.tables import disclosures, investor_flows

SHARED = "what is published about a company is the same for every user"


async def save_flows(session: Session, flows: Sequence[Flow]) -> None:
    """Keep flows; a day that is told again is replaced, and stays known since it was told first."""
    if not flows:
        return
    statement = insert(investor_flows)
    names = ("individual", "institution", "foreigner", "corporation", "source")
    changing = {name: statement.excluded[name] for name in names}
    statement = statement.on_conflict_do_update(index_elements=["symbol", "day"], set_=changing)
    await session.execute(statement, [asdict(flow) for flow in flows])


async def list_flows(session: Session, symbol: str, days: tuple[date, date], limit: int) -> Sequence[Row[Any]]:
    """A symbol's flows between two days, the newest first."""
    c = investor_flows.c
    wanted = select(investor_flows).where(c.symbol == symbol, c.day.between(*days))
    return (await session.execute(wanted.order_by(c.day.desc()).limit(limit))).all()


async def save_disclosures(session: Session, filed: Sequence[Disclosure]) -> None:
    """Keep disclosures; each has one number for ever."""
    if filed:
        statement = insert(disclosures).on_conflict_do_nothing()
        await session.execute(statement, [asdict(one) for one in filed])


async def list_disclosures(session: Session, symbol: str, on: date, limit: int) -> Sequence[Row[Any]]:
    """What a company had filed by a day, the newest first."""
    c = disclosures.c
    wanted = select(disclosures).where(c.symbol == symbol, c.known_since <= on)
    return (await session.execute(wanted.order_by(c.known_since.desc(), c.receipt_no.desc()).limit(limit))).all()
