"""Runs of portfolios: trades name their symbol, results are listed in no one place.

Only adds and loosens: the code of before goes on working beside the new one.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = "'backtest', 'optimize', 'walk_forward', 'cross_validate', 'portfolio'"
REASONS = "'signal', 'stop_loss', 'take_profit', 'open', 'trailing_stop', 'time', 'delisted'"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        f"""
        ALTER TABLE runs
            DROP CONSTRAINT runs_kind_check,
            DROP CONSTRAINT runs_grid_kind_check,
            ADD CONSTRAINT runs_kind_check CHECK (kind IN ({KINDS})),
            ADD CONSTRAINT runs_grid_kind_check CHECK
                ((kind IN ('backtest', 'portfolio')) = (grid IS NULL) AND (grid IS NULL) = (objective IS NULL))
        """
    )
    op.execute("ALTER TABLE results ALTER COLUMN board DROP NOT NULL, ALTER COLUMN kind DROP NOT NULL")
    op.execute(
        f"""
        ALTER TABLE trades
            ADD COLUMN symbol text CHECK (length(symbol) BETWEEN 1 AND 10),
            DROP CONSTRAINT trades_reason_check,
            ADD CONSTRAINT trades_reason_check CHECK (reason IN ({REASONS}))
        """
    )
