"""What we listen to: dangerous acts in other services, for the one audit log, and services that forgot somebody."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.consumer import Subscriptions, take
from kit.db import Session
from kit.events import Envelope
from pydantic import BaseModel

from auth.domain.audit import AuditEntry
from auth.resources import Resources
from auth.store import audit
from auth.usecases.record_erased import record_erased

CONSUMER = "auth"
TOLD_BY = ("trading", "market", "backtest", "broker", "notification")

subscriptions = Subscriptions(CONSUMER)


class HaltChanged(BaseModel):
    """A kill switch was thrown or released."""

    level: str
    scope_id: UUID | None
    mode: str | None
    by: UUID
    broker: str | None = None


class LimitsChanged(BaseModel):
    """An owner's risk limits were replaced."""

    scope: str
    scope_id: UUID
    currency: str
    is_looser: bool
    effective_at: datetime
    old: dict[str, str] = {}
    new: dict[str, str] = {}


class ConnectionChanged(BaseModel):
    """A broker's keys were saved or deleted."""

    connection_id: UUID
    broker: str
    environment: str
    change: str


class AccountOpened(BaseModel):
    """An account for paper or real money was opened."""

    account_id: UUID
    kind: str
    connection_id: UUID | None = None


class DoubtAnswered(BaseModel):
    """Somebody said which order at a broker theirs is, or that it is none."""

    order_id: UUID
    broker: str
    broker_order_id: str | None


class AccountNamed(BaseModel):
    """Something happened to an account."""

    account_id: UUID


def _halt(fact: HaltChanged, _owner: str) -> AuditEntry:
    action = "trading_resumed" if fact.mode is None else "trading_halted"
    said = {"level": fact.level} | ({} if fact.mode is None else {"mode": fact.mode})
    return AuditEntry(str(fact.by), action, str(fact.scope_id or fact.broker or "platform"), new=said)


def _limits(fact: LimitsChanged, owner: str) -> AuditEntry:
    action = "limits_loosened" if fact.is_looser else "limits_tightened"
    said = {"scope": fact.scope, "currency": fact.currency, "from": fact.effective_at.isoformat()}
    return AuditEntry(owner, action, str(fact.scope_id), old=fact.old, new=said | fact.new)


def _connection(fact: ConnectionChanged, owner: str) -> AuditEntry:
    said = {"broker": fact.broker, "environment": fact.environment}
    return AuditEntry(owner, f"connection_{fact.change}", str(fact.connection_id), new=said)


def _doubt(fact: DoubtAnswered, owner: str) -> AuditEntry:
    said = {"broker": fact.broker, "broker_order_id": fact.broker_order_id or "not placed"}
    return AuditEntry(owner, "doubt_answered", str(fact.order_id), new=said)


def _opened(fact: AccountOpened, owner: str) -> AuditEntry:
    said = {"kind": fact.kind} | ({} if fact.connection_id is None else {"connection": str(fact.connection_id)})
    return AuditEntry(owner, "account_opened", str(fact.account_id), new=said)


def _reset(fact: AccountNamed, owner: str) -> AuditEntry:
    return AuditEntry(owner, "account_reset", str(fact.account_id))


def _disproved(fact: AccountNamed, _owner: str) -> AuditEntry:
    return AuditEntry("", "ledger_disproved", str(fact.account_id))


def _keep(event_type: str, model: type[BaseModel], entry_of: Callable[[Any, str], AuditEntry]) -> None:
    @subscriptions.on(event_type, model)
    async def keep(session: Session, fact: Any, message: Envelope) -> None:
        await audit.record(session, message.time, entry_of(fact, str(message.owner or "")))


_keep("trading.halt.changed.v1", HaltChanged, _halt)
_keep("trading.limits.changed.v1", LimitsChanged, _limits)
_keep("trading.account.opened.v1", AccountOpened, _opened)
_keep("trading.account.reset.v1", AccountNamed, _reset)
_keep("trading.ledger.disproved.v1", AccountNamed, _disproved)
_keep("broker.connection.changed.v1", ConnectionChanged, _connection)
_keep("broker.doubt.answered.v1", DoubtAnswered, _doubt)


class ErasedFact(BaseModel):
    """Who is forgotten."""

    user_id: UUID


async def _owner_erased(resources: Resources, fact: ErasedFact, message: Envelope) -> None:
    """Remember that the service which tells it is done, as the worker role: nobody owns that list any more."""
    async with resources.database.system() as session:
        if await take(session, message.id, CONSUMER):
            await record_erased(session, fact.user_id, message.source, message.time)


for service in TOLD_BY:
    subscriptions.on(f"{service}.owner.erased.v1", ErasedFact, phases=True)(_owner_erased)
