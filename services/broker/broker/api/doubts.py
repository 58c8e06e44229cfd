"""/broker/doubts: orders that cannot be told from others at their broker, and their owner's answer."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from kit.auth import CurrentUser, Identity, RecentUser
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, StepUpRequired, responses
from kit.money import Money
from kit.pagination import Page
from pydantic import BaseModel, ConfigDict, Field

from broker.adapters.port import Remote
from broker.api.connections import door_to, explained, opened
from broker.domain.attempt import Attempt
from broker.domain.connection import ConnectionId
from broker.domain.doubt import is_in_doubt
from broker.domain.order import ClientKey, OrderId, OwnerId
from broker.errors import (
    BrokerUnreachable,
    ConnectionNotFound,
    CredentialsRefused,
    DoubtNotFound,
    LiveNotPermitted,
    NotACandidate,
)
from broker.resources import Resources
from broker.store import attempts, connections, system
from broker.usecases.answer_doubt import answer_doubt
from broker.usecases.read_candidates import read_candidates

router = APIRouter(prefix="/api/v1/broker/doubts", tags=["doubts"])
DOUBTS_MAX = 100
NUMBER_MAX = 64
_ASKED = AUTHENTICATED | responses(
    DoubtNotFound, ConnectionNotFound, LiveNotPermitted, CredentialsRefused, BrokerUnreachable
)


class DoubtOut(BaseModel):
    """An order that waits for its owner's answer; until then what it needs stays set aside."""

    order_id: UUID
    account_id: UUID
    broker: str
    symbol: str
    side: str
    quantity: Money
    limit_price: Money | None
    sent_at: datetime


class CandidateOut(BaseModel):
    """An order at the broker that could be it."""

    broker_order_id: str
    quantity: Money
    limit_price: Money | None
    filled_quantity: Money
    is_open: bool
    placed_at: datetime


class AnswerIn(BaseModel):
    """Which order at the broker it is, by the broker's number; null says that it was never placed there."""

    model_config = ConfigDict(extra="forbid")

    broker_order_id: Annotated[str, Field(min_length=1, max_length=NUMBER_MAX)] | None


class AnsweredOut(BaseModel):
    """The answer is taken; what follows for the order is announced like any other news of it."""

    order_id: UUID
    broker_order_id: str | None


@router.get("", responses=AUTHENTICATED)
async def list_doubts(user: CurrentUser, session: OwnedSession) -> Page[DoubtOut]:
    """Every order of the caller's that a human has to look for, oldest first."""
    found = await attempts.list_in_doubt(session, OwnerId(user.user_id), DOUBTS_MAX)
    return Page(items=[_out(attempt) for attempt in found], next_cursor=None)


@router.get("/{order_id}/candidates", responses=_ASKED)
async def list_candidates(request: Request, user: CurrentUser, order_id: UUID) -> Page[CandidateOut]:
    """The orders that the broker shows now and that could be this one."""
    resources: Resources = request.app.state.resources
    attempt = await _doubt(resources, OwnerId(user.user_id), order_id)
    async with _line(resources, user, attempt) as remote:
        found = await read_candidates(resources.database, attempt, remote)
    items = [
        CandidateOut(
            broker_order_id=each.broker_order_id,
            quantity=each.quantity,
            limit_price=each.limit_price,
            filled_quantity=each.filled,
            is_open=each.is_open,
            placed_at=each.placed_at,
        )
        for each in found
    ]
    return Page(items=items, next_cursor=None)


@router.post("/{order_id}/answer", responses=_ASKED | responses(StepUpRequired, NotACandidate))
async def answer_a_doubt(request: Request, user: RecentUser, order_id: UUID, asked: AnswerIn) -> AnsweredOut:
    """Say which one it is, or that it is none. Needs fresh authentication, and is kept in the audit log.

    That it is none can be said as well when the order's connection was deleted, so that nobody can be asked.
    """
    resources: Resources = request.app.state.resources
    attempt = await _doubt(resources, OwnerId(user.user_id), order_id)
    if asked.broker_order_id is None and await _is_gone(resources, attempt):
        await answer_doubt(resources.database, attempt, None, None)
    else:
        async with _line(resources, user, attempt) as remote:
            await answer_doubt(resources.database, attempt, remote, asked.broker_order_id)
    return AnsweredOut(order_id=order_id, broker_order_id=asked.broker_order_id)


async def _doubt(resources: Resources, owner: OwnerId, order: UUID) -> Attempt:
    """An order that waits for a human; DoubtNotFound when there is none, or nothing about it is in doubt."""
    async with resources.database.owned(owner) as session:
        attempt = await attempts.find(session, owner, OrderId(order))
    if attempt is None or not is_in_doubt(attempt):
        raise DoubtNotFound("No order of yours under this id waits for an answer: GET /broker/doubts lists those.")
    return attempt


async def _is_gone(resources: Resources, attempt: Attempt) -> bool:
    owner, number = attempt.intent.owner, attempt.intent.connection_id
    assert number is not None, "the simulator knows every order by its key"
    async with resources.database.owned(owner) as session:
        return await connections.find(session, owner, ConnectionId(number)) is None


@asynccontextmanager
async def _line(resources: Resources, user: Identity, attempt: Attempt) -> AsyncIterator[Remote]:
    """A line to the broker of an order's connection, for as long as it is asked."""
    owner, number = OwnerId(user.user_id), attempt.intent.connection_id
    assert number is not None, "the simulator knows every order by its key"
    connection, secrets = await opened(resources, owner, number)
    door = door_to(resources, user, connection)

    async def keys_of(numbers: Sequence[str]) -> Mapping[str, ClientKey]:
        async with resources.database.owned(owner) as session:
            return await system.list_keys(session, connection.broker, number, numbers)

    async with door.client() as http:
        with explained():
            yield door.open(http, secrets, keys_of)


def _out(attempt: Attempt) -> DoubtOut:
    intent = attempt.intent
    return DoubtOut(
        order_id=intent.order_id,
        account_id=intent.account_id,
        broker=attempt.broker,
        symbol=intent.symbol,
        side=intent.side,
        quantity=intent.quantity,
        limit_price=intent.limit_price,
        sent_at=attempt.begun_at,
    )
