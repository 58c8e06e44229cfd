"""Minutes of the past are a pipeline of their own."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    lock_timeout()
    op.execute("ALTER TABLE pipeline_runs DROP CONSTRAINT pipeline_runs_pipeline_check")
    op.execute(
        "ALTER TABLE pipeline_runs ADD CONSTRAINT pipeline_runs_pipeline_check"
        " CHECK (pipeline IN ('collect', 'adjust', 'figures', 'screens', 'minutes', 'clean_up'))"
    )
