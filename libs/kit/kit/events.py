"""Events: facts appended in the transaction that made them true. The table is outbox and history in one."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, insert

from kit import context
from kit.clock import now
from kit.db import Session, scope_of
from kit.ids import new_id

EVENTS_MAX = 1_000

_metadata = MetaData()
events = Table(
    "events",
    _metadata,
    Column("position", BigInteger, Identity(), primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("owner_id", Uuid),
    Column("correlation_id", Uuid, nullable=False),
    Column("causation_id", Uuid),
    Column("data", JSONB, nullable=False),
    Column("must_reach", Boolean, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Column("retry_at", DateTime(timezone=True)),
)
inbox = Table(
    "inbox",
    _metadata,
    Column("consumer", Text, primary_key=True),
    Column("message_id", Uuid, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
)

# Compiled once. Inline: the app role may add events but not read them, so it must not ask for the new position.
INSERT = insert(events).inline()


class Event(BaseModel):
    """A fact in the past tense. A subclass is a contract: its fields become a published JSON Schema."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    TYPE: ClassVar[str]
    """`service.noun.verb_past.vN`: also the routing key."""
    SUBJECT: ClassVar[str]
    """The field that holds the id of the thing this happened to."""
    MUST_REACH: ClassVar[bool] = True
    """False for facts that nobody has to hear yet: publishing to no queue is then no mistake."""


class Envelope(BaseModel):
    """What travels on the bus. `version` grows with every event of a service, so a later one of a subject is larger."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    type: str
    source: str
    time: datetime
    subject: str
    owner: UUID | None
    correlation_id: UUID
    causation_id: UUID | None
    version: int
    data: dict[str, Any]


async def record(session: Session, *facts: Event, owner: UUID | None) -> None:
    """Append facts to the events table, in the caller's transaction, in the order given.

    Args:
        session: the transaction that makes the facts true.
        facts: at most 1,000 events.
        owner: whose facts they are; None for facts about shared things.
    """
    if not facts:
        return
    assert len(facts) <= EVENTS_MAX, "record in portions"
    moment = now()
    correlation, causation = context.correlation_id(), context.causation.get()
    rows = [
        {
            "id": new_id(),
            "type": fact.TYPE,
            "subject": str(getattr(fact, fact.SUBJECT)),
            "owner_id": owner,
            "correlation_id": correlation,
            "causation_id": causation,
            "data": fact.model_dump(mode="json"),
            "must_reach": fact.MUST_REACH,
            "occurred_at": moment,
        }
        for fact in facts
    ]
    await session.execute(INSERT, rows)
    scope_of(session).announced = True
