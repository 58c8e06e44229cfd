"""Signals on the account stream, and notices about them and about automations."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0007"
down_revision = "0006"

TYPES = "'order', 'execution', 'position', 'balance', 'signal', 'notice'"
KINDS = (
    "'order_filled', 'order_denied', 'order_rejected', 'run_finished', 'alert_triggered', 'channel_broken', "
    "'trading_halted', 'alarm', 'signal_raised', 'automation_changed'"
)


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE stream DROP CONSTRAINT stream_type_check")
    op.execute(f"ALTER TABLE stream ADD CONSTRAINT stream_type_check CHECK (type IN ({TYPES}))")
    op.execute("ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check")
    op.execute(f"ALTER TABLE notifications ADD CONSTRAINT notifications_kind_check CHECK (kind IN ({KINDS}))")
