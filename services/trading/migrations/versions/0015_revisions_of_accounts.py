"""An account counts how often it was locked: what was decided without a lock is written only if nobody had it since.

Only adds. The code of before locks without counting; that it did shows in the row as well (store/fills/system.py).
Every lock is a new version of the row now, which wants room on its page.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE accounts ADD COLUMN revision bigint NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE accounts SET (fillfactor = 50)")
