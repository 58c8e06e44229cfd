"""The broker service's own tables; the simulator, an exchange outside, has its own books."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

attempts = Table(
    "attempts",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("broker", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("broker_order_id", Text),
    Column("intent", JSONB, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("looks", Integer, nullable=False),
    Column("first_look_at", DateTime(timezone=True)),
    Column("needs_human", Boolean, nullable=False),
    Column("connection_id", Uuid),
)

broker_executions = Table(
    "broker_executions",
    metadata,
    Column("execution_id", Text, primary_key=True),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("broker", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("market", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("price", Numeric, nullable=False),
    Column("fee", Numeric, nullable=False),
    Column("tax", Numeric, nullable=False),
    Column("trade_date", Date, nullable=False),
    Column("settlement_date", Date, nullable=False),
    Column("executed_at", DateTime(timezone=True), nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("broker", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("account_hint", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

connection_secrets = Table(
    "connection_secrets",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("owner_id", Uuid, primary_key=True),
    Column("key_version", Integer, nullable=False),
    Column("box", LargeBinary, nullable=False),
)

owner_keys = Table(
    "owner_keys",
    metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

leavers = Table(
    "leavers",
    metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("erased_at", DateTime(timezone=True), nullable=False),
)

account_reports = Table(
    "account_reports",
    metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("connection_id", Uuid, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("announced_at", DateTime(timezone=True), nullable=False),
)
