"""/broker/connections: a person's own keys to brokers. They go in, are tried, and are never shown again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from kit.auth import CurrentUser, Identity, RecentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, StepUpRequired, responses
from kit.events import record
from kit.ids import new_id
from kit.money import Money
from kit.pagination import Page
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from quant.markets.listing import Currency

from broker.adapters.balance import Balance
from broker.adapters.line import KeyRefused
from broker.adapters.opening import Door, look
from broker.adapters.port import LineFailure
from broker.domain.connection import Connection, ConnectionId, Secrets, hint
from broker.domain.order import Environment, OwnerId
from broker.errors import (
    BrokerUnreachable,
    ConnectionNotFound,
    CredentialsRefused,
    LiveNotPermitted,
    TooManyConnections,
)
from broker.events import ConnectionChanged
from broker.resources import Resources
from broker.store import connections
from broker.store.tokens import delete_token
from broker.usecases.rotate_key import rotate_key
from broker.usecases.save_connection import save_connection

router = APIRouter(prefix="/api/v1/broker/connections", tags=["connections"])
NAME_MAX = 64
KEY_MAX = 512
LOGIN_NAME_MAX = 32
_SAVED = AUTHENTICATED | responses(
    LiveNotPermitted, StepUpRequired, CredentialsRefused, BrokerUnreachable, TooManyConnections
)
USED = AUTHENTICATED | responses(ConnectionNotFound, LiveNotPermitted, CredentialsRefused, BrokerUnreachable)


_Secret = Annotated[SecretStr, Field(min_length=1, max_length=KEY_MAX)]


class KisCredentials(BaseModel):
    """What KIS gives a customer: key, secret, the account as eight digits and two, and (or not) the log-in name."""

    model_config = ConfigDict(extra="forbid")

    app_key: _Secret
    app_secret: _Secret
    account: Annotated[str, Field(pattern=r"^[0-9]{10}$", examples=["5012345601"])]
    hts_id: Annotated[str, Field(max_length=LOGIN_NAME_MAX, pattern=r"^[0-9A-Za-z@._-]*$")] = ""
    """The log-in name there; with it executions are heard of at once, without it within seconds."""


class LsCredentials(BaseModel):
    """What LS gives a customer: a key and its secret, which belong to one account."""

    model_config = ConfigDict(extra="forbid")

    app_key: _Secret
    app_secret: _Secret


class KiwoomCredentials(BaseModel):
    """What Kiwoom gives a customer: a key and its secret, which belong to one account."""

    model_config = ConfigDict(extra="forbid")

    app_key: _Secret
    secret_key: _Secret


class AlpacaCredentials(BaseModel):
    """What Alpaca gives a customer: a key and its secret, which belong to one account."""

    model_config = ConfigDict(extra="forbid")

    key_id: _Secret
    secret_key: _Secret


class _ConnectionIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    environment: Environment
    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f]+$")]


class KisConnectionIn(_ConnectionIn):
    """A connection to KIS."""

    broker: Literal["kis"]
    credentials: KisCredentials


class KisUsConnectionIn(_ConnectionIn):
    """A connection to KIS for stocks of the United States: the same keys, another ledger of the same account."""

    broker: Literal["kis_us"]
    credentials: KisCredentials


class LsConnectionIn(_ConnectionIn):
    """A connection to LS Securities."""

    broker: Literal["ls"]
    credentials: LsCredentials


class KiwoomConnectionIn(_ConnectionIn):
    """A connection to Kiwoom."""

    broker: Literal["kiwoom"]
    credentials: KiwoomCredentials


class AlpacaConnectionIn(_ConnectionIn):
    """A connection to Alpaca."""

    broker: Literal["alpaca"]
    credentials: AlpacaCredentials


ConnectionIn = Annotated[
    KisConnectionIn | KisUsConnectionIn | LsConnectionIn | KiwoomConnectionIn | AlpacaConnectionIn,
    Field(discriminator="broker"),
]


class ConnectionOut(BaseModel):
    """What is shown of a connection."""

    id: UUID
    broker: str
    environment: Environment
    name: str
    account_hint: str
    created_at: datetime


class HoldingOut(BaseModel):
    """Shares at the broker."""

    symbol: str
    quantity: Money
    average_price: Money


class BrokerAccountOut(BaseModel):
    """An account as the broker shows it: cash today, and after what was traded yesterday and today has settled."""

    account_hint: str
    currency: Currency
    cash: Money
    cash_next_day: Money
    cash_second_day: Money
    holdings: list[HoldingOut]


class TestedOut(BaseModel):
    """The broker took the credentials."""

    ok: Literal[True]


class RotatedOut(BaseModel):
    """How many credentials were moved to a new key."""

    moved: int


@router.post("", status_code=201, responses=_SAVED)
async def save_a_connection(request: Request, user: RecentUser, asked: ConnectionIn) -> ConnectionOut:
    """Try the credentials at the broker, then keep them sealed. Needs fresh authentication."""
    resources: Resources = request.app.state.resources
    secrets = Secrets({field: _plain(value) for field, value in asked.credentials if value})
    connection = Connection(
        id=ConnectionId(new_id()),
        owner=OwnerId(user.user_id),
        broker=asked.broker,
        environment=asked.environment,
        name=asked.name,
        account_hint="",
        created_at=now(),
    )
    seen = await _look(resources, user, connection, secrets)  # no transaction is open while the broker is asked
    connection = replace(connection, account_hint=hint(secrets.fields.get("account", seen.account)))
    async with resources.database.owned(user.user_id) as session:
        await save_connection(session, resources.vault, connection, secrets)
    return _out(connection)


@router.get("", responses=AUTHENTICATED)
async def list_connections(user: CurrentUser, session: OwnedSession) -> Page[ConnectionOut]:
    """Every connection of the caller."""
    found = await connections.list_all(session, OwnerId(user.user_id))
    return Page(items=[_out(connection) for connection in found], next_cursor=None)


@router.post("/rotate-key", responses=AUTHENTICATED | responses(StepUpRequired))
async def rotate_the_key(request: Request, user: RecentUser) -> RotatedOut:
    """Seal all of the caller's credentials anew, under a new key. Interrupted, it goes on with the next call."""
    resources: Resources = request.app.state.resources
    return RotatedOut(moved=await rotate_key(resources.database, OwnerId(user.user_id), resources.vault))


@router.get("/{connection_id}", responses=AUTHENTICATED | responses(ConnectionNotFound))
async def get_connection(user: CurrentUser, session: OwnedSession, connection_id: UUID) -> ConnectionOut:
    """One connection."""
    return _out(_existing(await connections.find(session, OwnerId(user.user_id), ConnectionId(connection_id))))


@router.delete("/{connection_id}", status_code=204, responses=AUTHENTICATED | responses(ConnectionNotFound))
async def delete_connection(request: Request, user: CurrentUser, connection_id: UUID) -> None:
    """Forget a connection, its credentials and their token. The broker's own key stays valid: end it there as well."""
    resources: Resources = request.app.state.resources
    owner = OwnerId(user.user_id)
    connection, secrets = await opened(resources, owner, connection_id)
    fact = ConnectionChanged(
        connection_id=connection.id, broker=connection.broker, environment=connection.environment, change="deleted"
    )
    async with resources.database.owned(owner) as session:
        await connections.delete(session, owner, connection.id)
        if (line := resources.lines.get((connection.broker, connection.environment))) is not None:
            door = Door(connection.broker, connection.environment, line, resources.tokens, now)
            await delete_token(session, door.key_print(secrets))
        await record(session, fact, owner=owner)


@router.post("/{connection_id}/test", responses=USED)
async def try_connection(request: Request, user: CurrentUser, connection_id: UUID) -> TestedOut:
    """Try the kept credentials at the broker again."""
    await _look_again(request, user, connection_id)
    return TestedOut(ok=True)


@router.get("/{connection_id}/accounts", responses=USED)
async def list_broker_accounts(request: Request, user: CurrentUser, connection_id: UUID) -> Page[BrokerAccountOut]:
    """The accounts behind a connection, as the broker shows them now."""
    connection, balance = await _look_again(request, user, connection_id)
    account = BrokerAccountOut(
        account_hint=connection.account_hint,
        currency=balance.currency,
        cash=balance.cash,
        cash_next_day=balance.cash_next_day,
        cash_second_day=balance.cash_second_day,
        holdings=[
            HoldingOut(symbol=each.symbol, quantity=each.quantity, average_price=each.average_price)
            for each in balance.holdings
        ],
    )
    return Page(items=[account], next_cursor=None)


async def _look_again(request: Request, user: Identity, connection_id: UUID) -> tuple[Connection, Balance]:
    resources: Resources = request.app.state.resources
    connection, secrets = await opened(resources, OwnerId(user.user_id), connection_id)
    return connection, await _look(resources, user, connection, secrets)


async def _look(resources: Resources, user: Identity, connection: Connection, secrets: Secrets) -> Balance:
    door = door_to(resources, user, connection)
    with explained():
        return await look(door, secrets)


def door_to(resources: Resources, user: Identity, connection: Connection) -> Door:
    """How to reach the broker of a connection.

    Raises:
        LiveNotPermitted: when it is a real one, and the person or this server may not.
        BrokerUnreachable: when this server knows no such broker, or is in quarantine.
    """
    if resources.quarantined:
        raise BrokerUnreachable(
            "This platform was restored from a backup and calls no broker until its operator has released it."
        )
    line = resources.lines.get((connection.broker, connection.environment))
    if connection.environment == "real" and "real" not in user.permissions:
        raise LiveNotPermitted("Your account may trade on paper only: ask the operator for live trading.")
    if line is None and connection.environment == "real":
        raise LiveNotPermitted("The operator has not switched live trading on (BROKER_LIVE_ALLOWED), or not there.")
    if line is None:
        raise BrokerUnreachable(f"This server's list of brokers has no {connection.broker}: ask the operator for it.")
    return Door(connection.broker, connection.environment, line, resources.tokens, now)


@contextmanager
def explained() -> Iterator[None]:
    """Turn a broker's silence, or its no to the credentials, into an answer that says what to do."""
    try:
        yield
    except KeyRefused as refused:
        raise CredentialsRefused(f"{refused}. Check key, secret and environment (paper or real).") from None
    except LineFailure as failed:
        raise BrokerUnreachable(f"{failed}. Nothing was changed: try again in a minute.") from None


async def opened(resources: Resources, owner: OwnerId, connection_id: UUID) -> tuple[Connection, Secrets]:
    """One of somebody's connections, with what opens it; ConnectionNotFound when it is not theirs."""
    async with resources.database.owned(owner) as session:
        connection = _existing(await connections.find(session, owner, ConnectionId(connection_id)))
        return connection, await connections.find_secrets(session, owner, connection.id, resources.vault)


def _plain(value: SecretStr | str) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _existing(connection: Connection | None) -> Connection:
    if connection is None:
        raise ConnectionNotFound("You have no such connection: GET /broker/connections lists yours.")
    return connection


def _out(connection: Connection) -> ConnectionOut:
    return ConnectionOut.model_validate(connection, from_attributes=True)
