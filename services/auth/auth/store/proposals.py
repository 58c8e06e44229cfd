"""Proposed rights: worker role only, as rights themselves."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from kit.db import Session as Transaction
from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from auth.domain.proposal import KEPT, Proposal
from auth.domain.rights import Permissions
from auth.domain.user import UserId
from auth.store.tables import proposals

SHARED = "admins propose rights for others: who sees one is decided by the role"


def _proposal_of(row: Row[tuple[Any, ...]]) -> Proposal:
    said = (row.user_id, row.proposed_by, row.proposed_at, row.effective_at, row.role)
    return Proposal(*said, Permissions(**row.permissions))


async def save(session: Transaction, proposal: Proposal) -> None:
    """Save a proposal in place of an earlier one for the same person."""
    values = {name: getattr(proposal, name) for name in ("proposed_by", "proposed_at", "effective_at", "role")}
    values["permissions"] = asdict(proposal.permissions)
    statement = insert(proposals).values(user_id=proposal.user_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[proposals.c.user_id], set_=values))


async def find(session: Transaction, user_id: UserId, now: datetime) -> Proposal | None:
    """Find what is proposed for somebody."""
    living = select(proposals).where(proposals.c.user_id == user_id, proposals.c.proposed_at > now - KEPT)
    row = (await session.execute(living)).one_or_none()
    return None if row is None else _proposal_of(row)


async def list_all(session: Transaction, now: datetime, limit: int) -> list[Proposal]:
    """List what waits, the oldest first."""
    living = select(proposals).where(proposals.c.proposed_at > now - KEPT)
    rows = await session.execute(living.order_by(proposals.c.proposed_at, proposals.c.user_id).limit(limit))
    return [_proposal_of(row) for row in rows]


async def list_due(session: Transaction, now: datetime) -> list[UserId]:
    """List for whom a proposal comes into force by now."""
    due = select(proposals.c.user_id).where(proposals.c.effective_at <= now)
    return [UserId(found) for found in (await session.scalars(due.order_by(proposals.c.user_id))).all()]


async def delete_one(session: Transaction, user_id: UserId) -> bool:
    """Delete what is proposed for somebody; tell whether there was anything."""
    return (await session.execute(delete(proposals).where(proposals.c.user_id == user_id))).rowcount == 1


async def delete_old(session: Transaction, now: datetime) -> None:
    """Delete what nobody agreed to in time."""
    await session.execute(delete(proposals).where(proposals.c.proposed_at <= now - KEPT))
