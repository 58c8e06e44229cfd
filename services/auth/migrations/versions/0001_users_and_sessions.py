"""Users, their sessions and refresh tokens, and the count of failed log-ins.

The app role may not read a password hash, nor write a role: both belong to the worker role alone.
"""

from alembic import op
from kit.migrations import create_events_tables, lock_timeout, tenant_table

revision = "0001"
down_revision = None

USERS = """
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    owner_id      uuid NOT NULL CHECK (owner_id = id),
    email         text NOT NULL UNIQUE CHECK (char_length(email) BETWEEN 3 AND 254),
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    role          text NOT NULL DEFAULT 'user' CHECK (role IN ('admin', 'user', 'viewer')),
    name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    language      text NOT NULL CHECK (language IN ('ko', 'en')),
    time_zone     text NOT NULL CHECK (char_length(time_zone) BETWEEN 1 AND 64),
    created_at    timestamptz NOT NULL
)
"""
SESSIONS = """
CREATE TABLE sessions (
    id            uuid PRIMARY KEY,
    owner_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    begun_at      timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > begun_at),
    ended_at      timestamptz,
    ended_because text CHECK (ended_because IN ('logout', 'logout_all', 'reuse')),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL)),
    UNIQUE (owner_id, id)
)
"""
REFRESH_TOKENS = """
CREATE TABLE refresh_tokens (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id uuid NOT NULL,
    owner_id   uuid NOT NULL,
    issued_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at   timestamptz,
    salt       bytea CHECK (octet_length(salt) = 32),
    CHECK ((spent_at IS NULL) = (salt IS NULL)),
    FOREIGN KEY (owner_id, session_id) REFERENCES sessions (owner_id, id) ON DELETE CASCADE
)
"""
LOGIN_FAILURES = """
CREATE TABLE login_failures (
    key      bytea PRIMARY KEY CHECK (octet_length(key) = 32),
    failures integer NOT NULL CHECK (failures > 0),
    since    timestamptz NOT NULL
)
"""


def upgrade() -> None:
    lock_timeout()
    create_events_tables()
    op.execute(USERS)
    op.execute(SESSIONS)
    op.execute(REFRESH_TOKENS)
    op.execute(LOGIN_FAILURES)
    op.execute("CREATE INDEX sessions_by_end ON sessions (expires_at)")
    op.execute("CREATE INDEX refresh_tokens_of_session ON refresh_tokens (owner_id, session_id)")
    op.execute("CREATE INDEX login_failures_by_age ON login_failures (since)")
    profile = "name, language, time_zone"
    shown = f"id, owner_id, email, role, {profile}, created_at"
    given = f"id, owner_id, email, password_hash, {profile}, created_at"
    tenant_table("users", app=f"SELECT ({shown}), INSERT ({given}), UPDATE ({profile})")
    tenant_table("sessions", app="SELECT, UPDATE (ended_at, ended_because)")
    tenant_table("refresh_tokens", app="SELECT (session_id, owner_id, issued_at, expires_at, spent_at)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON login_failures TO auth_worker")
