"""What was last announced of the account behind each connection, as a digest: what is no news is not told again."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE account_reports (
            owner_id      uuid NOT NULL,
            connection_id uuid NOT NULL,
            digest        text NOT NULL,
            announced_at  timestamptz NOT NULL,
            PRIMARY KEY (owner_id, connection_id)
        )
        """
    )
    tenant_table("account_reports", app="SELECT", worker="SELECT, INSERT, UPDATE, DELETE")
