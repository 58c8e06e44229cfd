"""Who has left: their orders end first, then what need not be kept is deleted and the rest loses its texts."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table; let the worker role take a person's facts out of the history."""
    lock_timeout()
    op.execute("CREATE TABLE leavers (owner_id uuid PRIMARY KEY, left_at timestamptz NOT NULL, erased_at timestamptz)")
    op.execute("CREATE INDEX leavers_waiting ON leavers (left_at) WHERE erased_at IS NULL")
    tenant_table("leavers", app="SELECT")
    op.execute("GRANT DELETE ON events TO trading_worker")


def downgrade() -> None:
    """Drop it."""
    lock_timeout()
    op.execute("REVOKE DELETE ON events FROM trading_worker")
    op.execute("DROP TABLE leavers")
