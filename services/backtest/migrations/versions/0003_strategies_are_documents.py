"""Strategies, their versions and the rules of runs become documents; runs say on which engine they are computed."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Rows are rewritten by the change of type, which sees those of every owner; no UPDATE by the owning role would.
DOCUMENT = """
    jsonb_build_object(
        'format', 1, 'entry', entry, 'exit', exit,
        'stops', jsonb_build_object('stop_loss', trim_scale(stop_loss)::text, 'take_profit', NULL,
                                    'trailing_stop', NULL, 'holding_bars', NULL),
        'sizing', jsonb_build_object('portion', '1'),
        'costs', jsonb_build_object('fee_schedule', 'default', 'slippage', '0'),
        'execution', jsonb_build_object('volume_share', NULL))
"""


def upgrade() -> None:
    lock_timeout()
    for table in ("strategies", "strategy_versions", "runs"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN document jsonb")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN document TYPE jsonb USING {DOCUMENT}")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN document SET NOT NULL")
        op.execute(
            f"""
            ALTER TABLE {table}
                ADD CHECK (jsonb_typeof(document) = 'object' AND (document ->> 'format')::integer >= 1
                           AND length(document ->> 'entry') BETWEEN 1 AND 1000
                           AND length(document ->> 'exit') BETWEEN 1 AND 1000),
                DROP COLUMN entry, DROP COLUMN exit, DROP COLUMN stop_loss
            """
        )
    op.execute(
        """
        ALTER TABLE runs ADD COLUMN engine text NOT NULL DEFAULT 'compiled'
            CHECK (engine IN ('compiled', 'event_driven'))
        """
    )
    op.execute("ALTER TABLE results ADD COLUMN unfilled integer NOT NULL DEFAULT 0 CHECK (unfilled >= 0)")
    op.execute("ALTER TABLE trades DROP CONSTRAINT trades_reason_check")
    op.execute(
        """
        ALTER TABLE trades ADD CONSTRAINT trades_reason_check
            CHECK (reason IN ('signal', 'stop_loss', 'take_profit', 'open', 'trailing_stop', 'time'))
        """
    )
