"""Rights of people, what was revoked, API keys with their nonces, delegations, and the audit log.

The audit log takes rows and never changes or loses one: no role but the table's owner could.
"""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0003"
down_revision = "0002"

USERS = """
ALTER TABLE users
    ADD COLUMN may_paper boolean NOT NULL DEFAULT true,
    ADD COLUMN may_real boolean NOT NULL DEFAULT false,
    ADD COLUMN premium boolean NOT NULL DEFAULT false,
    ADD COLUMN daily_trades_max integer NOT NULL DEFAULT 1000 CHECK (daily_trades_max BETWEEN 0 AND 1000000),
    ADD COLUMN calls_per_minute_max integer NOT NULL DEFAULT 6000 CHECK (calls_per_minute_max BETWEEN 0 AND 1000000),
    ADD COLUMN rights_version integer NOT NULL DEFAULT 0,
    ADD COLUMN locked_at timestamptz
"""
RIGHTS = "may_paper, may_real, premium, daily_trades_max, calls_per_minute_max, rights_version, locked_at"
# Which reasons there are is the domain's to say; a second list here would only have to follow it.
SESSIONS = """
ALTER TABLE sessions
    DROP CONSTRAINT sessions_ended_because_check,
    ADD CONSTRAINT sessions_ended_because_check CHECK (ended_because ~ '^[a-z_]{3,32}$')
"""
REVOCATIONS = """
CREATE TABLE revocations (
    subject    uuid PRIMARY KEY,
    version    integer,
    revoked_at timestamptz NOT NULL
)
"""
API_KEYS = """
CREATE TABLE api_keys (
    id            uuid PRIMARY KEY,
    owner_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    sealed_secret bytea NOT NULL CHECK (octet_length(sealed_secret) BETWEEN 29 AND 256),
    scopes        text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 8),
    networks      text[] NOT NULL CHECK (cardinality(networks) <= 32),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > created_at),
    last_used_at  timestamptz,
    last_address  text CHECK (char_length(last_address) <= 64)
)
"""
NONCES = """
CREATE TABLE api_nonces (
    key_id  uuid NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    nonce   text NOT NULL CHECK (char_length(nonce) BETWEEN 16 AND 64),
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (key_id, nonce)
)
"""
DELEGATIONS = """
CREATE TABLE delegations (
    id          uuid PRIMARY KEY,
    owner_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    delegate_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE CHECK (delegate_id <> owner_id),
    email       text NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (owner_id, delegate_id)
)
"""
AUDIT = """
CREATE TABLE audit_log (
    position    bigint PRIMARY KEY CHECK (position > 0),
    occurred_at timestamptz NOT NULL,
    actor       text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    old         jsonb NOT NULL,
    new         jsonb NOT NULL,
    address     text NOT NULL,
    request_id  text NOT NULL,
    hash        bytea NOT NULL CHECK (octet_length(hash) = 32)
)
"""


def upgrade() -> None:
    lock_timeout()
    op.execute(USERS)
    op.execute(f"GRANT SELECT ({RIGHTS}) ON users TO auth_app")
    op.execute(SESSIONS)
    for statement in (REVOCATIONS, API_KEYS, NONCES, DELEGATIONS, AUDIT):
        op.execute(statement)
    op.execute("CREATE INDEX revocations_by_age ON revocations (revoked_at)")
    op.execute("CREATE INDEX api_keys_of_owner ON api_keys (owner_id, id)")
    op.execute("CREATE INDEX api_nonces_by_age ON api_nonces (seen_at)")
    op.execute("CREATE INDEX delegations_to ON delegations (delegate_id)")
    op.execute("CREATE INDEX audit_log_of_actor ON audit_log (actor, position)")
    op.execute("CREATE INDEX audit_log_of_subject ON audit_log (subject, position)")
    op.execute("GRANT SELECT, INSERT ON revocations TO auth_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON revocations TO auth_worker")
    shown = "id, owner_id, name, scopes, networks, created_at, expires_at, last_used_at, last_address"
    tenant_table("api_keys", app=f"SELECT ({shown}), INSERT, DELETE")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON api_nonces TO auth_worker")
    tenant_table("delegations", app="SELECT")
    op.execute("GRANT SELECT (position, hash), INSERT ON audit_log TO auth_app")
    op.execute("GRANT SELECT, INSERT ON audit_log TO auth_worker")
