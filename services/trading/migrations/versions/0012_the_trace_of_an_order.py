"""An order knows the action that placed it, so that its trace is found long after the answer."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE orders ADD COLUMN correlation_id uuid")
