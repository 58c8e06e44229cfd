"""A signal of a portfolio says what its position is to be worth.

Only adds: the code of before goes on working beside the new one, and its signals have no target.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE signals ADD COLUMN target numeric CHECK (target > 0)")
