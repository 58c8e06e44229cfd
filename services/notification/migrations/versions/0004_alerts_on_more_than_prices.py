"""Alerts on the change of a day and on volume, with a pause of one's own for those that repeat."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0004"
down_revision = "0003"

CONDITIONS = "'price_above', 'price_below', 'change_above', 'change_below', 'volume_above'"


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE alerts DROP CONSTRAINT alerts_condition_check")
    op.execute("ALTER TABLE alerts DROP CONSTRAINT alerts_value_check")
    op.execute(f"ALTER TABLE alerts ADD CONSTRAINT alerts_condition_check CHECK (condition IN ({CONDITIONS}))")
    op.execute(
        "ALTER TABLE alerts ADD CONSTRAINT alerts_value_check "
        "CHECK (value > 0 OR (condition IN ('change_above', 'change_below') AND value > -100))"
    )
    op.execute("ALTER TABLE alerts ADD COLUMN pause_seconds integer NOT NULL DEFAULT 300")
    op.execute("ALTER TABLE alerts ADD CONSTRAINT alerts_pause_check CHECK (pause_seconds BETWEEN 60 AND 604800)")
