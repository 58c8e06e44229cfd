"""The tables of auth; their rules stand in the migrations."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

_metadata = MetaData()

users = Table(
    "users",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("may_paper", Boolean, nullable=False),
    Column("may_real", Boolean, nullable=False),
    Column("premium", Boolean, nullable=False),
    Column("daily_trades_max", Integer, nullable=False),
    Column("calls_per_minute_max", Integer, nullable=False),
    Column("rights_version", Integer, nullable=False),
    Column("locked_at", DateTime(timezone=True)),
)
sessions = Table(
    "sessions",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_because", Text),
)
refresh_tokens = Table(
    "refresh_tokens",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", Uuid, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("spent_at", DateTime(timezone=True)),
    Column("salt", LargeBinary),
)
login_failures = Table(
    "login_failures",
    _metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
)
revocations = Table(
    "revocations",
    _metadata,
    Column("subject", Uuid, primary_key=True),
    Column("version", Integer),
    Column("revoked_at", DateTime(timezone=True), nullable=False),
)
api_keys = Table(
    "api_keys",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("networks", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True)),
    Column("last_address", Text),
)
api_nonces = Table(
    "api_nonces",
    _metadata,
    Column("key_id", Uuid, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)
delegations = Table(
    "delegations",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("delegate_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
audit_log = Table(
    "audit_log",
    _metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("old", JSONB, nullable=False),
    Column("new", JSONB, nullable=False),
    Column("address", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
LENDERS = func.array(
    select(delegations.c.owner_id).where(delegations.c.delegate_id == users.c.id).correlate(users).scalar_subquery()
).label("lenders")
"""Who lets a user look; only the worker role sees these rows, so a read of the app role finds none."""
SHOWN = (*(column for column in users.c if column is not users.c.password_hash), LENDERS)
"""What of users the app role may read; `store.users.user_of` needs all of it."""
