"""Whose account the operator has closed: their chats give no commands meanwhile."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table; who was locked before gets a row with the next change of their rights."""
    lock_timeout()
    op.execute("CREATE TABLE locks (owner_id uuid PRIMARY KEY)")
    tenant_table("locks", app="SELECT, INSERT, DELETE")


def downgrade() -> None:
    """Drop the table."""
    lock_timeout()
    op.execute("DROP TABLE locks")
