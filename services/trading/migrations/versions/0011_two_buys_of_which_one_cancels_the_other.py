"""A limit buy may have another buy at its side, which waits for a higher price: one cancels the other."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE orders ADD COLUMN oco_stop_price numeric, ADD COLUMN oco_stop_limit_price numeric")
