"""Minutes are kept for five years: by a policy on hypertables, by the clean-up pipeline on partitions."""

from alembic import op
from kit.migrations import lock_timeout, service

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    lock_timeout()
    if op.get_bind().exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").scalar() is not None:
        op.execute("SELECT add_retention_policy('minute_bars', INTERVAL '5 years')")
    # where there is no policy, the worker does it; where there is one, nothing is left to delete
    op.execute(f"GRANT DELETE ON minute_bars TO {service()}_worker")
