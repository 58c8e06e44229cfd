"""Events: facts appended in the transaction that made them true. The table is outbox and history in one."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from kit import context, traces
from kit.clock import now
from kit.db import Session, after_commit, scope_of
from kit.ids import new_id
from kit.sql import Statement

EVENTS_MAX = 1_000
URGENT_AT = datetime.fromtimestamp(0, UTC)  # the `retry_at` of urgent facts; the relay claims these first

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

# It asks for nothing back: the app role may add events but not read them.
APPEND_TEXT = """
    INSERT INTO events (id, type, subject, owner_id, correlation_id, causation_id, data, must_reach, retry_at,
                        occurred_at)
    SELECT fact.id, fact.type, fact.subject, :owner, :correlation, :causation, fact.data, fact.must_reach,
           fact.retry_at, :at
      FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:subjects AS text[]), CAST(:data AS jsonb[]),
                  CAST(:must_reach AS boolean[]), CAST(:retry_at AS timestamptz[]))
           WITH ORDINALITY AS fact (id, type, subject, data, must_reach, retry_at, place)
     ORDER BY fact.place
"""
APPEND = Statement(text(APPEND_TEXT))


class Event(BaseModel):
    """A fact in the past tense. A subclass is a contract: its fields become a published JSON Schema."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    TYPE: ClassVar[str]
    """`service.noun.verb_past.vN`: also the routing key."""
    SUBJECT: ClassVar[str]
    """The field that holds the id of the thing this happened to."""
    MUST_REACH: ClassVar[bool] = True
    """False for facts that nobody has to hear yet: publishing to no queue is then no mistake."""
    URGENT: ClassVar[bool] = False  # True for facts that overtake what still waits: to stop it, not to follow it


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
    if facts:
        given = given_of(*facts, owner=owner)
        await APPEND.count(session, given)
        announce(session, given)


def given_of(*facts: Event, owner: UUID | None) -> dict[str, Any]:
    """What APPEND is given of facts: for who runs it together with other statements, and calls `announce` then."""
    assert len(facts) <= EVENTS_MAX, "record in portions"
    ids = [new_id() for _ in facts]
    return {
        "owner": owner,
        "correlation": context.correlation_id(),
        "causation": context.causation.get(),
        "at": now(),
        "ids": ids,
        "types": [fact.TYPE for fact in facts],
        "subjects": [str(getattr(fact, fact.SUBJECT)) for fact in facts],
        "data": [fact.model_dump_json() for fact in facts],
        "must_reach": [fact.MUST_REACH for fact in facts],
        "retry_at": [URGENT_AT if fact.URGENT else None for fact in facts],
    }


def announce(session: Session, given: dict[str, Any]) -> None:
    """See to it that facts which were appended are published as soon as they are true."""
    if traces.is_on():
        told = list(zip(given["ids"], given["types"], strict=True))
        after_commit(session, traces.telling(told))
    scope_of(session).announced = True
