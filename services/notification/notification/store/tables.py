"""The tables of notification; their rules stand in the migrations."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, MetaData, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

_metadata = MetaData()

stream_heads = Table(
    "stream_heads",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
stream = Table(
    "stream",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("type", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
notifications = Table(
    "notifications",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
)
alerts = Table(
    "alerts",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("value", Numeric(20, 8), nullable=False),
    Column("repeat", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("triggered_at", DateTime(timezone=True)),
    Column("triggered_price", Numeric(20, 8)),
)
