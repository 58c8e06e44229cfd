"""Results keep the price at each close, for a report to show trades on it.

Only adds: the code of before goes on working beside the new one, and its results have no price.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE results ADD COLUMN closes double precision[]")
