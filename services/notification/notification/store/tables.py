"""The tables of notification; their rules stand in the migrations."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Time,
    Uuid,
)
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
    Column("pause_seconds", Integer, nullable=False),
    Column("rule", Text),
    Column("interval", Text),
    Column("due_bar", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
)
channels = Table(
    "channels",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("trouble", Text),
    Column("chat", Text),
    Column("retry_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
deliveries = Table(
    "deliveries",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("digest", Boolean, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("error", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
)
preferences = Table(
    "preferences",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("language", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("quiet_from", Time),
    Column("quiet_to", Time),
    Column("digest_at", Time, nullable=False),
)
channel_choices = Table(
    "channel_choices",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("channel_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("choice", Text, nullable=False),
)
locks = Table("locks", _metadata, Column("owner_id", Uuid, primary_key=True))
standing = Table(
    "standing",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("data", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
telegram_reading = Table(
    "telegram_reading",
    _metadata,
    Column("one", Boolean, primary_key=True),
    Column("next_update", BigInteger, nullable=False),
    Column("lease_until", DateTime(timezone=True), nullable=False),
)
