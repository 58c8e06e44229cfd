"""Let tokens be forgotten: with their connection, and when they have ended."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Allow it."""
    lock_timeout()
    op.execute("GRANT DELETE ON broker_tokens TO broker_app, broker_worker")


def downgrade() -> None:
    """Forbid it again."""
    lock_timeout()
    op.execute("REVOKE DELETE ON broker_tokens FROM broker_app, broker_worker")
