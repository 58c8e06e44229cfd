"""The account stream with its head per owner, the inbox of notices, and price alerts."""

from alembic import op
from kit.migrations import create_events_tables, lock_timeout, tenant_table

revision = "0001"
down_revision = None

STREAM_HEADS = """
CREATE TABLE stream_heads (
    owner_id uuid PRIMARY KEY,
    seq      bigint NOT NULL CHECK (seq >= 0)
)
"""
STREAM = """
CREATE TABLE stream (
    owner_id   uuid NOT NULL,
    seq        bigint NOT NULL CHECK (seq > 0),
    type       text NOT NULL CHECK (type IN ('order', 'execution', 'position', 'balance', 'notice')),
    data       jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (owner_id, seq)
)
"""
NOTIFICATIONS = """
CREATE TABLE notifications (
    id         uuid PRIMARY KEY,
    owner_id   uuid NOT NULL,
    kind       text NOT NULL CHECK (
        kind IN ('order_filled', 'order_denied', 'order_rejected', 'run_finished', 'alert_triggered')
    ),
    title      text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    body       text NOT NULL CHECK (char_length(body) <= 1000),
    data       jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    read_at    timestamptz
)
"""
ALERTS = """
CREATE TABLE alerts (
    id              uuid PRIMARY KEY,
    owner_id        uuid NOT NULL,
    symbol          text NOT NULL CHECK (char_length(symbol) BETWEEN 1 AND 12),
    condition       text NOT NULL CHECK (condition IN ('price_above', 'price_below')),
    value           numeric(20, 8) NOT NULL CHECK (value > 0),
    repeat          boolean NOT NULL,
    status          text NOT NULL CHECK (status IN ('active', 'resting', 'triggered', 'expired')),
    expires_at      timestamptz,
    created_at      timestamptz NOT NULL,
    triggered_at    timestamptz,
    triggered_price numeric(20, 8),
    CHECK (status <> 'resting' OR repeat),
    CHECK ((triggered_at IS NULL) = (triggered_price IS NULL)),
    CHECK (status NOT IN ('resting', 'triggered') OR triggered_at IS NOT NULL)
)
"""


def upgrade() -> None:
    lock_timeout()
    create_events_tables()
    op.execute(STREAM_HEADS)
    op.execute(STREAM)
    op.execute(NOTIFICATIONS)
    op.execute(ALERTS)
    op.execute("CREATE INDEX stream_by_age ON stream (created_at)")
    op.execute("CREATE INDEX notifications_of_owner ON notifications (owner_id, id)")
    op.execute("CREATE INDEX notifications_unread ON notifications (owner_id, id) WHERE read_at IS NULL")
    op.execute("CREATE INDEX notifications_by_age ON notifications (created_at)")
    op.execute("CREATE INDEX alerts_of_owner ON alerts (owner_id, id)")
    op.execute("CREATE INDEX alerts_watched ON alerts (symbol) WHERE status IN ('active', 'resting')")
    tenant_table("stream_heads", app="SELECT, INSERT, UPDATE (seq)")
    tenant_table("stream", app="SELECT, INSERT")
    tenant_table("notifications", app="SELECT, INSERT, UPDATE (read_at)")
    change = "status, triggered_at, triggered_price"
    tenant_table("alerts", app=f"SELECT, INSERT, DELETE, UPDATE ({change})")
