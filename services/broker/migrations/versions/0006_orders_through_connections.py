"""Attempts remember through which connection an order went."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE attempts ADD COLUMN connection_id uuid")
    op.execute("CREATE INDEX attempts_by_connection ON attempts (connection_id, broker_order_id)")
    op.execute("CREATE INDEX attempts_through_connections ON attempts (begun_at) WHERE connection_id IS NOT NULL")
