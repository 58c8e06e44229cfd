"""Second factors, passkeys, social identities, mails with their one-time tokens, and what guessing is counted by.

What proves somebody's identity is the worker role's alone: the app role sees that it exists, never what it is.
"""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0002"
down_revision = "0001"

USERS = """
ALTER TABLE users
    ALTER COLUMN password_hash DROP NOT NULL,
    ADD COLUMN password_short boolean NOT NULL DEFAULT false,
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN pending boolean NOT NULL DEFAULT false
"""
SESSIONS = """
ALTER TABLE sessions
    ADD COLUMN authenticated_at timestamptz,
    ADD COLUMN seen_at timestamptz,
    ADD COLUMN address text NOT NULL DEFAULT '' CHECK (char_length(address) <= 64),
    ADD COLUMN user_agent text NOT NULL DEFAULT '' CHECK (char_length(user_agent) <= 200),
    DROP CONSTRAINT sessions_ended_because_check,
    ADD CONSTRAINT sessions_ended_because_check CHECK (
        ended_because IN ('logout', 'logout_all', 'reuse', 'revoked', 'password_changed', 'password_reset')
    )
"""
LOGIN_FAILURES = """
ALTER TABLE login_failures
    DROP CONSTRAINT login_failures_failures_check,
    ADD CONSTRAINT login_failures_failures_check CHECK (failures >= 0)
"""
FAMILIAR_PLACES = """
CREATE TABLE familiar_places (
    owner_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest   bytea NOT NULL CHECK (octet_length(digest) = 32),
    seen_at  timestamptz NOT NULL,
    PRIMARY KEY (owner_id, digest)
)
"""
SECOND_FACTORS = """
CREATE TABLE second_factors (
    owner_id     uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed       bytea NOT NULL CHECK (octet_length(sealed) BETWEEN 29 AND 256),
    enrolled_at  timestamptz NOT NULL,
    activated_at timestamptz,
    last_step    bigint NOT NULL DEFAULT 0,
    failures     integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failed_at    timestamptz,
    CHECK ((failures = 0) = (failed_at IS NULL))
)
"""
RECOVERY_CODES = """
CREATE TABLE recovery_codes (
    owner_id uuid NOT NULL REFERENCES second_factors (owner_id) ON DELETE CASCADE,
    digest   bytea NOT NULL CHECK (octet_length(digest) = 32),
    PRIMARY KEY (owner_id, digest)
)
"""
MAILS = """
CREATE TABLE mails (
    id         uuid PRIMARY KEY,
    owner_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('verify_email', 'already_registered', 'reset_password')),
    written_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    tries      integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    sent_at    timestamptz
)
"""
MAIL_TOKENS = """
CREATE TABLE mail_tokens (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    owner_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
    expires_at timestamptz NOT NULL
)
"""
PASSKEYS = """
CREATE TABLE passkeys (
    id            uuid PRIMARY KEY,
    owner_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id bytea NOT NULL UNIQUE CHECK (octet_length(credential_id) BETWEEN 16 AND 1023),
    public_key    bytea NOT NULL CHECK (octet_length(public_key) <= 2048),
    sign_count    bigint NOT NULL CHECK (sign_count >= 0),
    name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    created_at    timestamptz NOT NULL,
    used_at       timestamptz
)
"""
CHALLENGES = """
CREATE TABLE challenges (
    challenge  bytea PRIMARY KEY CHECK (octet_length(challenge) = 32),
    user_id    uuid REFERENCES users (id) ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('register', 'log_in', 'step_up')),
    expires_at timestamptz NOT NULL
)
"""
IDENTITIES = """
CREATE TABLE identities (
    id        uuid PRIMARY KEY,
    owner_id  uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider  text NOT NULL CHECK (char_length(provider) BETWEEN 1 AND 32),
    issuer    text NOT NULL CHECK (char_length(issuer) BETWEEN 1 AND 255),
    subject   text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 255),
    email     text CHECK (char_length(email) <= 254),
    linked_at timestamptz NOT NULL,
    UNIQUE (issuer, subject),
    UNIQUE (owner_id, issuer)
)
"""
OAUTH_FLOWS = """
CREATE TABLE oauth_flows (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    browser    bytea NOT NULL CHECK (octet_length(browser) = 32),
    provider   text NOT NULL CHECK (char_length(provider) BETWEEN 1 AND 32),
    nonce      text NOT NULL,
    sealed     bytea NOT NULL CHECK (octet_length(sealed) BETWEEN 29 AND 256),
    user_id    uuid REFERENCES users (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
)
"""
OAUTH_TICKETS = """
CREATE TABLE oauth_tickets (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    browser    bytea NOT NULL CHECK (octet_length(browser) = 32),
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
)
"""


def upgrade() -> None:
    lock_timeout()
    op.execute(USERS)
    op.execute(SESSIONS)
    op.execute("UPDATE sessions SET authenticated_at = begun_at, seen_at = begun_at")
    op.execute("ALTER TABLE sessions ALTER COLUMN authenticated_at SET NOT NULL, ALTER COLUMN seen_at SET NOT NULL")
    op.execute("DELETE FROM login_failures")
    op.execute("DROP INDEX login_failures_by_age")
    op.execute("ALTER TABLE login_failures RENAME COLUMN since TO until")
    op.execute(LOGIN_FAILURES)
    op.execute("CREATE INDEX login_failures_by_end ON login_failures (until)")
    op.execute("CREATE INDEX users_pending ON users (created_at) WHERE pending")
    op.execute("GRANT SELECT (password_short, email_verified_at, pending) ON users TO auth_app")
    op.execute("GRANT INSERT (password_short, email_verified_at, pending) ON users TO auth_app")
    for statement in (FAMILIAR_PLACES, SECOND_FACTORS, RECOVERY_CODES, MAILS, MAIL_TOKENS, PASSKEYS):
        op.execute(statement)
    for statement in (CHALLENGES, IDENTITIES, OAUTH_FLOWS, OAUTH_TICKETS):
        op.execute(statement)
    op.execute("CREATE INDEX familiar_places_by_age ON familiar_places (seen_at)")
    op.execute("CREATE INDEX mails_due ON mails (due_at) WHERE sent_at IS NULL")
    op.execute("CREATE INDEX mails_of_owner ON mails (owner_id, kind, written_at)")
    op.execute("CREATE INDEX mail_tokens_of_owner ON mail_tokens (owner_id, purpose)")
    op.execute("CREATE INDEX passkeys_of_owner ON passkeys (owner_id)")
    tenant_table("familiar_places")
    tenant_table("second_factors", app="SELECT (owner_id, activated_at)")
    tenant_table("recovery_codes", app="SELECT (owner_id)")
    tenant_table("mails", app="SELECT (owner_id)")
    tenant_table("mail_tokens", app="SELECT (owner_id)")
    tenant_table("passkeys", app="SELECT (id, owner_id, name, created_at, used_at), DELETE")
    tenant_table("identities", app="SELECT (id, owner_id, provider, issuer, email, linked_at)")
    for before_anybody_is_known in ("challenges", "oauth_flows", "oauth_tickets"):
        op.execute(f"CREATE INDEX {before_anybody_is_known}_by_end ON {before_anybody_is_known} (expires_at)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {before_anybody_is_known} TO auth_worker")
