"""The tables as queries name them; their checks and policies are in migrations/versions."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

strategies = Table(
    "strategies",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)

versions = Table(
    "strategy_versions",
    metadata,
    Column("strategy_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("strategy_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("market", Text, nullable=False),
    Column("start_date", Date),
    Column("end_date", Date),
    Column("initial_cash", Numeric, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("engine", Text, nullable=False),
    Column("grid", JSONB(none_as_null=True)),
    Column("objective", Text),
    Column("search", JSONB(none_as_null=True)),
    Column("risk_limits", JSONB(none_as_null=True)),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)

results = Table(
    "results",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("board", Text),
    Column("kind", Text),
    Column("currency", Text, nullable=False),
    Column("bars", Integer, nullable=False),
    Column("first_date", Date, nullable=False),
    Column("last_date", Date, nullable=False),
    Column("metrics", JSONB, nullable=False),
    Column("costs", Float),
    Column("unfilled", Integer, nullable=False),
    Column("dates", ARRAY(Date)),
    Column("equity", ARRAY(Float)),
    Column("closes", ARRAY(Float)),
    Column("details", JSONB, nullable=False),
)

trades = Table(
    "trades",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("entry_date", Date, nullable=False),
    Column("exit_date", Date, nullable=False),
    Column("shares", BigInteger, nullable=False),
    Column("entry_price", Float, nullable=False),
    Column("exit_price", Float, nullable=False),
    Column("costs", Float, nullable=False),
    Column("profit", Float, nullable=False),
    Column("profit_rate", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("symbol", Text),
)

trials = Table(
    "trials",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("metrics", JSONB, nullable=False),
)

materials = Table(
    "materials",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

chunks = Table(
    "chunks",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("first", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("ticket", Uuid),
    Column("tries", Integer, nullable=False),
    Column("claimed_at", DateTime(timezone=True)),
    Column("done_at", DateTime(timezone=True)),
    Column("body", LargeBinary),
)

files = Table(
    "files",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
