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
    Column("password_hash", Text),
    Column("password_short", Boolean, nullable=False),
    Column("email_verified_at", DateTime(timezone=True)),
    Column("pending", Boolean, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("may_paper", Boolean, nullable=False),
    Column("may_real", Boolean, nullable=False),
    Column("premium", Boolean, nullable=False),
    Column("daily_trades_max", Integer),
    Column("calls_per_minute_max", Integer, nullable=False),
    Column("rights_version", Integer, nullable=False),
    Column("locked_at", DateTime(timezone=True)),
    Column("passkey_wanted", Boolean, nullable=False),
    Column("settings", JSONB, nullable=False),
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
    Column("authenticated_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
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
    Column("until", DateTime(timezone=True), nullable=False),
)
familiar_places = Table(
    "familiar_places",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)
second_factors = Table(
    "second_factors",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("enrolled_at", DateTime(timezone=True), nullable=False),
    Column("activated_at", DateTime(timezone=True)),
    Column("last_step", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failed_at", DateTime(timezone=True)),
)
recovery_codes = Table(
    "recovery_codes",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
)
mails = Table(
    "mails",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("sent_at", DateTime(timezone=True)),
)
mail_tokens = Table(
    "mail_tokens",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
passkeys = Table(
    "passkeys",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("credential_id", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
)
challenges = Table(
    "challenges",
    _metadata,
    Column("challenge", LargeBinary, primary_key=True),
    Column("user_id", Uuid),
    Column("purpose", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
identities = Table(
    "identities",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("provider", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("email", Text),
    Column("linked_at", DateTime(timezone=True), nullable=False),
)
oauth_flows = Table(
    "oauth_flows",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("browser", LargeBinary, nullable=False),
    Column("provider", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("user_id", Uuid),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
oauth_tickets = Table(
    "oauth_tickets",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("browser", LargeBinary, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
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
proposals = Table(
    "proposals",
    _metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("proposed_by", Uuid, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("effective_at", DateTime(timezone=True)),
    Column("role", Text, nullable=False),
    Column("permissions", JSONB, nullable=False),
)
exports = Table(
    "exports",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
export_parts = Table(
    "export_parts",
    _metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("export_id", Uuid, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("failure", Text),
    Column("done_at", DateTime(timezone=True)),
    Column("body", LargeBinary),
)
erasures = Table(
    "erasures",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
)
erasure_parts = Table(
    "erasure_parts",
    _metadata,
    Column("erasure_id", Uuid, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("done_at", DateTime(timezone=True)),
)
