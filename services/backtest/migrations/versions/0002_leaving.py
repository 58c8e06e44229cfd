"""Let the worker role delete what is somebody's when they leave."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0002"
down_revision = "0001"

TABLES = "strategies, strategy_versions, runs, results, trades, trials, events"


def upgrade() -> None:
    """Allow it."""
    lock_timeout()
    op.execute(f"GRANT DELETE ON {TABLES} TO backtest_worker")


def downgrade() -> None:
    """Forbid it again."""
    lock_timeout()
    op.execute(f"REVOKE DELETE ON {TABLES} FROM backtest_worker")
