"""Which submits were reported to trading; everything from before counts as reported."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    lock_timeout()
    for table in ("attempts", "sim_orders"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN reported boolean NOT NULL DEFAULT true")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN reported SET DEFAULT false")
    op.execute("CREATE INDEX sim_orders_unreported ON sim_orders (client_key) WHERE NOT reported")
    op.execute("CREATE INDEX attempts_unreported ON attempts (order_id) WHERE NOT reported AND broker <> 'simulator'")
