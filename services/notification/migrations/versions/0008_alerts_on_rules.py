"""Alerts on rules, and the closed bar that each is to be judged on."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0008"
down_revision = "0007"

CONDITIONS = "'price_above', 'price_below', 'change_above', 'change_below', 'volume_above', 'rule'"


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE alerts DROP CONSTRAINT alerts_condition_check")
    op.execute("ALTER TABLE alerts DROP CONSTRAINT alerts_value_check")
    op.execute(f"ALTER TABLE alerts ADD CONSTRAINT alerts_condition_check CHECK (condition IN ({CONDITIONS}))")
    op.execute(
        "ALTER TABLE alerts ADD CONSTRAINT alerts_value_check CHECK "
        "(value > 0 OR (condition IN ('change_above', 'change_below') AND value > -100) OR condition = 'rule')"
    )
    op.execute(
        "ALTER TABLE alerts ADD COLUMN rule text, ADD COLUMN interval text, "
        "ADD COLUMN due_bar timestamptz, ADD COLUMN due_at timestamptz"
    )
    op.execute(
        "ALTER TABLE alerts ADD CONSTRAINT alerts_rule_check CHECK "
        "(CASE WHEN condition = 'rule' THEN rule IS NOT NULL AND interval IN ('1m', '5m', '15m', '1h', '1d') "
        "ELSE rule IS NULL AND interval IS NULL END)"
    )
    op.execute("GRANT UPDATE (due_bar, due_at) ON alerts TO notification_app")
    op.execute("GRANT UPDATE (due_bar, due_at) ON alerts TO notification_worker")
    op.execute("CREATE INDEX alerts_rules ON alerts (symbol, interval) WHERE condition = 'rule'")
    op.execute("CREATE INDEX alerts_due ON alerts (due_at) WHERE due_bar IS NOT NULL")
