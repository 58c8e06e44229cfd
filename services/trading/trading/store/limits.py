"""Owners' risk limits: every change is a new row, with the moment from which it holds."""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Currency
from sqlalchemy import RowMapping, Uuid, bindparam, delete, insert, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from trading.domain.limits import LimitsInForce, RiskLimits, Scope
from trading.domain.request import OrderRequest
from trading.store.tables import risk_limits

NAMES = tuple(field.name for field in fields(RiskLimits))
KEY = (
    risk_limits.c.owner_id == bindparam("owner"),
    risk_limits.c.scope == bindparam("of_scope"),
    risk_limits.c.scope_id == bindparam("of_scope_id"),
    risk_limits.c.currency == bindparam("of_currency"),
)
SAVE = insert(risk_limits)
IN_FORCE = (
    select(risk_limits)
    .ext(distinct_on(risk_limits.c.scope, risk_limits.c.scope_id))
    .where(
        risk_limits.c.owner_id == bindparam("owner"),
        or_(
            risk_limits.c.scope == "user",
            (risk_limits.c.scope == "account") & (risk_limits.c.scope_id == bindparam("account")),
            (risk_limits.c.scope == "strategy") & (risk_limits.c.scope_id == bindparam("strategy", type_=Uuid)),
        ),
        risk_limits.c.currency == bindparam("of_currency"),
        risk_limits.c.effective_at <= bindparam("now"),
    )
    .order_by(risk_limits.c.scope, risk_limits.c.scope_id, risk_limits.c.effective_at.desc())
)
CURRENT = (
    select(risk_limits)
    .where(*KEY, risk_limits.c.effective_at <= bindparam("now"))
    .order_by(risk_limits.c.effective_at.desc())
    .limit(1)
)
PENDING = select(risk_limits).where(*KEY, risk_limits.c.effective_at > bindparam("now")).limit(1)
WITHDRAW = delete(risk_limits).where(*KEY, risk_limits.c.effective_at >= bindparam("now"))


def _limits(row: RowMapping) -> RiskLimits:
    values = {name: row[name] for name in NAMES}
    return RiskLimits(**{**values, "restricted_symbols": tuple(values["restricted_symbols"])})


def _in_force(row: Any) -> LimitsInForce | None:
    return None if row is None else _told(row._mapping)


def _told(found: RowMapping) -> LimitsInForce:
    return LimitsInForce(
        scope=found["scope"],
        scope_id=found["scope_id"],
        currency=found["currency"],
        effective_at=found["effective_at"],
        limits=_limits(found),
    )


def _key(owner: UUID, scope: Scope, scope_id: UUID, currency: Currency, now: datetime) -> dict[str, Any]:
    return {"owner": owner, "of_scope": scope, "of_scope_id": scope_id, "of_currency": currency, "now": now}


async def list_in_force(session: Session, owner: UUID, request: OrderRequest, now: datetime) -> list[LimitsInForce]:
    """List the limits that an order is under: the owner's, the account's, and its strategy's."""
    given = {
        "owner": owner,
        "account": request.account_id,
        "strategy": request.strategy_id,
        "of_currency": request.currency,
        "now": now,
    }
    return [_told(row._mapping) for row in await session.execute(IN_FORCE, given)]


async def find(
    session: Session, owner: UUID, scope: Scope, scope_id: UUID, currency: Currency, now: datetime
) -> tuple[LimitsInForce | None, LimitsInForce | None]:
    """Return the limits of one scope that hold now, and those that will hold later."""
    given = _key(owner, scope, scope_id, currency, now)
    current = (await session.execute(CURRENT, given)).first()
    pending = (await session.execute(PENDING, given)).first()
    return _in_force(current), _in_force(pending)


async def save(session: Session, owner: UUID, limits: LimitsInForce) -> None:
    """Let limits hold from their moment on."""
    values = {name: getattr(limits.limits, name) for name in NAMES}
    values["restricted_symbols"] = list(limits.limits.restricted_symbols)
    key = {"scope": limits.scope, "scope_id": limits.scope_id, "currency": limits.currency}
    await session.execute(SAVE, {"owner_id": owner, **key, "effective_at": limits.effective_at, **values})


async def delete_pending(session: Session, owner: UUID, of: LimitsInForce, now: datetime) -> None:
    """Withdraw what would hold later, and what was said in this very moment."""
    await session.execute(WITHDRAW, _key(owner, of.scope, of.scope_id, of.currency, now))
