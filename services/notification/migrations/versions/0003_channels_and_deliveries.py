"""Channels, the queue of deliveries to them, and what people prefer to hear where and when."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0003"
down_revision = "0002"

CHANNELS = """
CREATE TABLE channels (
    id         uuid PRIMARY KEY,
    owner_id   uuid NOT NULL,
    kind       text NOT NULL CHECK (
        kind IN ('email', 'telegram', 'kakao', 'slack', 'discord', 'web_push', 'webhook')
    ),
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 60),
    shown      text NOT NULL CHECK (char_length(shown) <= 200),
    sealed     bytea NOT NULL,
    status     text NOT NULL CHECK (status IN ('pending', 'active', 'disabled', 'broken')),
    trouble    text CHECK (char_length(trouble) <= 500),
    chat       text,
    retry_at   timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (owner_id, id)
)
"""
DELIVERIES = """
CREATE TABLE deliveries (
    id         uuid PRIMARY KEY,
    owner_id   uuid NOT NULL,
    channel_id uuid NOT NULL,
    kind       text NOT NULL,
    title      text NOT NULL,
    body       text NOT NULL,
    data       jsonb NOT NULL,
    status     text NOT NULL CHECK (status IN ('waiting', 'sent', 'dead', 'dropped')),
    digest     boolean NOT NULL,
    tries      integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    error      text CHECK (char_length(error) <= 500),
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    settled_at timestamptz,
    CHECK ((status = 'waiting') = (settled_at IS NULL)),
    FOREIGN KEY (owner_id, channel_id) REFERENCES channels (owner_id, id) ON DELETE CASCADE
)
"""
PREFERENCES = """
CREATE TABLE preferences (
    owner_id   uuid PRIMARY KEY,
    language   text NOT NULL CHECK (language IN ('en', 'ko')),
    time_zone  text NOT NULL CHECK (char_length(time_zone) BETWEEN 1 AND 64),
    quiet_from time,
    quiet_to   time,
    digest_at  time NOT NULL,
    CHECK ((quiet_from IS NULL) = (quiet_to IS NULL))
)
"""
CHOICES = """
CREATE TABLE channel_choices (
    owner_id   uuid NOT NULL,
    channel_id uuid NOT NULL,
    kind       text NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 40),
    choice     text NOT NULL CHECK (choice IN ('now', 'digest', 'off')),
    PRIMARY KEY (owner_id, channel_id, kind),
    FOREIGN KEY (owner_id, channel_id) REFERENCES channels (owner_id, id) ON DELETE CASCADE
)
"""
KINDS = "'order_filled', 'order_denied', 'order_rejected', 'run_finished', 'alert_triggered', 'channel_broken'"


def upgrade() -> None:
    lock_timeout()
    for statement in (CHANNELS, DELIVERIES, PREFERENCES, CHOICES):
        op.execute(statement)
    op.execute("CREATE UNIQUE INDEX channels_chat ON channels (chat) WHERE chat IS NOT NULL")
    op.execute("CREATE INDEX deliveries_due ON deliveries (due_at, channel_id) WHERE status = 'waiting'")
    op.execute("CREATE INDEX deliveries_of_channel ON deliveries (channel_id, due_at) WHERE status = 'waiting'")
    op.execute("CREATE INDEX deliveries_of_owner ON deliveries (owner_id, id)")
    op.execute("CREATE INDEX deliveries_by_age ON deliveries (created_at)")
    tenant_table("channels")
    tenant_table("deliveries", app="SELECT, INSERT, UPDATE (status, tries, error, due_at, settled_at)")
    tenant_table("preferences", app="SELECT, INSERT, UPDATE")
    tenant_table("channel_choices")
    op.execute("ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check")
    op.execute(f"ALTER TABLE notifications ADD CONSTRAINT notifications_kind_check CHECK (kind IN ({KINDS}))")
