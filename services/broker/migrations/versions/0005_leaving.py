"""Let the worker role delete what is somebody's when they leave."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0005"
down_revision = "0004"

TABLES = "connection_secrets, owner_keys, connections, events"


def upgrade() -> None:
    """Allow it."""
    lock_timeout()
    op.execute(f"GRANT DELETE ON {TABLES} TO broker_worker")


def downgrade() -> None:
    """Forbid it again."""
    lock_timeout()
    op.execute(f"REVOKE DELETE ON {TABLES} FROM broker_worker")
