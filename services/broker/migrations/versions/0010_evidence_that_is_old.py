"""Who left, and since when: what is kept of them may be deleted once it is old, and not before."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0010"
down_revision = "0009"

TABLES = ("attempts", "broker_executions")
OLD = "owner_id IN (SELECT owner_id FROM leavers WHERE erased_at < now() - interval '5 years')"


def upgrade() -> None:
    """Let the worker role delete evidence, and only of who was erased five years ago."""
    lock_timeout()
    op.execute("CREATE TABLE leavers (owner_id uuid PRIMARY KEY, erased_at timestamptz NOT NULL)")
    tenant_table("leavers", app="SELECT", worker="SELECT, INSERT, DELETE")
    for table in TABLES:
        op.execute(f"CREATE POLICY {table}_old ON {table} AS RESTRICTIVE FOR DELETE TO broker_worker USING ({OLD})")
        op.execute(f"GRANT DELETE ON {table} TO broker_worker")


def downgrade() -> None:
    """Let nobody delete evidence."""
    lock_timeout()
    for table in TABLES:
        op.execute(f"REVOKE DELETE ON {table} FROM broker_worker")
        op.execute(f"DROP POLICY {table}_old ON {table}")
    op.execute("DROP TABLE leavers")
