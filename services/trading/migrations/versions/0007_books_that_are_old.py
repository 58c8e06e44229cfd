"""Books of people who left may be deleted once they are old, and not before: the database itself says when."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0007"
down_revision = "0006"

TABLES = ("executions", "ledger_entries", "position_entries")
OLD = "owner_id IN (SELECT owner_id FROM leavers WHERE erased_at < now() - interval '5 years')"


def upgrade() -> None:
    """Let the worker role delete what nobody could delete until now, and only of who was erased five years ago."""
    lock_timeout()
    for table in TABLES:
        op.execute(f"CREATE POLICY {table}_old ON {table} AS RESTRICTIVE FOR DELETE TO trading_worker USING ({OLD})")
        op.execute(f"GRANT DELETE ON {table} TO trading_worker")


def downgrade() -> None:
    """Let nobody delete books."""
    lock_timeout()
    for table in TABLES:
        op.execute(f"REVOKE DELETE ON {table} FROM trading_worker")
        op.execute(f"DROP POLICY {table}_old ON {table}")
