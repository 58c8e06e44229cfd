"""How things stand, for those who ask by Telegram; where reading the bot's messages goes on; notices of halts."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0005"
down_revision = "0004"

STANDING = """
CREATE TABLE standing (
    owner_id uuid NOT NULL,
    type     text NOT NULL CHECK (type IN ('order', 'position', 'balance')),
    key      text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 100),
    data     jsonb NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (owner_id, type, key)
)
"""
READING = """
CREATE TABLE telegram_reading (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    next_update bigint NOT NULL,
    lease_until timestamptz NOT NULL
)
"""
KINDS = (
    "'order_filled', 'order_denied', 'order_rejected', 'run_finished', 'alert_triggered', 'channel_broken', "
    "'trading_halted', 'alarm'"
)


def upgrade() -> None:
    lock_timeout()
    op.execute(STANDING)
    op.execute(READING)
    op.execute("INSERT INTO telegram_reading (next_update, lease_until) VALUES (0, '-infinity')")
    tenant_table("standing")
    op.execute("GRANT SELECT, UPDATE ON telegram_reading TO notification_worker")
    op.execute("ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check")
    op.execute(f"ALTER TABLE notifications ADD CONSTRAINT notifications_kind_check CHECK (kind IN ({KINDS}))")
