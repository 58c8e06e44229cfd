"""A run may carry the risk limits of an account, copied in when it was asked for.

Only adds: the code of before goes on working beside the new one, and its runs have no limits.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE runs ADD COLUMN risk_limits jsonb")
